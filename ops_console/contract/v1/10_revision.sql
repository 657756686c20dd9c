-- One revision for all configuration: the sum over ops.config_change. A statement's trigger adds one row for each
-- transaction and topic, whoever wrote: the console, psql, an M2M table or a bulk update. No row is shared by two
-- transactions and nothing is left for the commit, so an open transaction makes nobody wait (decision 030).

-- How long a healthy process may take to apply and report a revision: a poll each 1.25 s, a report each 2 s.
CREATE OR REPLACE FUNCTION ops.propagation_bound() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT interval '5 seconds' $$;

-- Replaces committed rows by their sum, so that a poll reads few: those that are new here by one that was seen now, and
-- those that were seen a propagation bound ago by one that is settled. A reader sees the rows or their sum, never both.
-- A row that another transaction holds is left for the next time: nobody waits, and two may fold at once.
CREATE OR REPLACE FUNCTION ops.fold_config_changes() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    seen_before timestamptz := clock_timestamp() - ops.propagation_bound();
BEGIN
    IF (SELECT count(*) FILTER (WHERE seen_at IS NULL) = 0 AND count(*) FILTER (WHERE seen_at < seen_before) < 2
        FROM ops.config_change) THEN
        RETURN; -- without a transaction id, once a second
    END IF;
    WITH held AS (
        SELECT xid, topic FROM ops.config_change
        WHERE seen_at IS NULL OR seen_at < seen_before FOR UPDATE SKIP LOCKED
    ), taken AS (
        DELETE FROM ops.config_change c USING held h WHERE c.xid = h.xid AND c.topic = h.topic
        RETURNING c.n, c.token, c.changed_at, c.seen_at
    )
    INSERT INTO ops.config_change (xid, topic, n, token, changed_at, seen_at)
    SELECT pg_current_xact_id()::text::bigint, CASE WHEN seen_at IS NULL THEN '(seen)' ELSE '(settled)' END,
           sum(n), bit_xor(token), max(changed_at), coalesce(max(seen_at), clock_timestamp())
    FROM taken GROUP BY seen_at IS NULL;
END $$;
REVOKE ALL ON FUNCTION ops.fold_config_changes() FROM PUBLIC;

CREATE OR REPLACE FUNCTION ops.queue_topic() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
BEGIN
    INSERT INTO ops.config_change (xid, topic, n, token, changed_at)
    VALUES (pg_current_xact_id()::text::bigint, TG_ARGV[0], 1, hashtextextended(gen_random_uuid()::text, 0),
            clock_timestamp())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        RETURN NULL; -- an earlier statement of this transaction has done it
    END IF;
    PERFORM pg_notify('ops_revision', TG_ARGV[0]);
    -- The console folds every second. This bounds the table while no console runs. A transaction that reads as of its
    -- beginning would fail on a row that another one has folded since.
    IF (SELECT count(*) FROM (SELECT FROM ops.config_change LIMIT 500) AS counted) = 500
        AND current_setting('transaction_isolation') = 'read committed' THEN
        PERFORM ops.fold_config_changes();
    END IF;
    RETURN NULL;
END $$;

-- Makes every write to a table raise the revision under a topic. Idempotent; called by each part for its tables.
CREATE OR REPLACE FUNCTION ops.follow_table(table_name regclass, topic text) RETURNS void
LANGUAGE plpgsql SET search_path = ops, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = table_name AND tgname = 'queue_topic') THEN
        EXECUTE format(
            'CREATE TRIGGER queue_topic AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON %s '
            'FOR EACH STATEMENT EXECUTE FUNCTION ops.queue_topic(%L)', table_name, topic
        );
    END IF;
END $$;

-- Configuration is the same where revision and token are the same. The token tells apart what two servers counted
-- alike: after a failover, the changes that were lost and those that were made instead.
-- `settled_revision`: every healthy process has applied it by now. A row counts when it was seen committed long enough
-- ago; where no console runs to see it, when it is a minute old.
CREATE OR REPLACE VIEW ops_v1.revision AS
SELECT coalesce(sum(n), 0)::bigint AS revision, max(changed_at) AS changed_at, clock_timestamp() AS database_at,
       coalesce(bit_xor(token), 0) AS token,
       coalesce(sum(n) FILTER (
           WHERE seen_at < statement_timestamp() - ops.propagation_bound()
              OR changed_at < statement_timestamp() - interval '1 minute'
       ), 0)::bigint AS settled_revision
FROM ops.config_change;
-- backend: GRANT SELECT ON ops_v1.revision

-- Until migration contract.0006 the revision was a row that every change updated at commit. It goes on from there, in
-- the transaction that replaces what wrote it.
DO $$
BEGIN
    IF to_regclass('ops.contract_revision') IS NOT NULL THEN
        LOCK TABLE ops.contract_revision, ops.contract_revisionpending;
        INSERT INTO ops.config_change (xid, topic, n, token, changed_at, seen_at)
        SELECT 0, '(settled)', revision, 0, changed_at, clock_timestamp() FROM ops.contract_revision;
        DROP TABLE ops.contract_revision, ops.contract_revisionpending CASCADE;
        DROP FUNCTION IF EXISTS ops.raise_revision();
    END IF;
    IF NOT EXISTS (SELECT FROM ops.config_change) THEN
        INSERT INTO ops.config_change (xid, topic, n, token, changed_at, seen_at)
        VALUES (0, '(settled)', 0, 0, clock_timestamp(), clock_timestamp());
    END IF;
END $$;
