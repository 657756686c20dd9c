-- One revision for all configuration. A statement's trigger only notes its topic; the revision is raised once,
-- when the transaction commits, whoever wrote: the console, psql, an M2M table or a bulk update. Raising it in the
-- statement's own trigger would make every open transaction wait for, and deadlock with, every other.

CREATE OR REPLACE FUNCTION ops.queue_topic() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
BEGIN
    INSERT INTO ops.contract_revisionpending (transaction_id, topic)
    VALUES (pg_current_xact_id()::text::bigint, TG_ARGV[0])
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

-- How long a healthy process may take to apply and report a revision: a poll each 1.25 s, a report each 2 s.
CREATE OR REPLACE FUNCTION ops.propagation_bound() RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT interval '5 seconds' $$;

-- The newest revision that every healthy process has applied by now; whoever has an older one is behind.
CREATE OR REPLACE FUNCTION ops.required_revision(current ops.contract_revision) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN current.changed_at < clock_timestamp() - ops.propagation_bound() THEN current.revision
        WHEN current.candidate_at < clock_timestamp() - ops.propagation_bound() THEN current.candidate_revision
        ELSE current.settled_revision
    END
$$;

CREATE OR REPLACE FUNCTION ops.raise_revision() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    changed_topics text[];
    new_revision bigint;
BEGIN
    WITH gone AS (
        DELETE FROM ops.contract_revisionpending
        WHERE transaction_id = pg_current_xact_id()::text::bigint
        RETURNING topic
    )
    SELECT array_agg(topic ORDER BY topic) INTO changed_topics FROM gone;
    IF changed_topics IS NULL THEN
        RETURN NULL; -- an earlier firing in this commit has done it for all topics
    END IF;
    -- `settled_revision` is one that every healthy process has applied; `candidate_revision` becomes it once it is old
    -- enough. Without them nobody could be called behind while revisions come faster than they propagate.
    UPDATE ops.contract_revision SET
        revision = revision + 1, changed_at = clock_timestamp(),
        settled_revision = ops.required_revision(contract_revision),
        candidate_revision = CASE WHEN candidate_at < clock_timestamp() - ops.propagation_bound()
                                  THEN revision + 1 ELSE candidate_revision END,
        candidate_at = CASE WHEN candidate_at < clock_timestamp() - ops.propagation_bound()
                            THEN clock_timestamp() ELSE candidate_at END
    WHERE id = 1 RETURNING revision INTO new_revision;
    PERFORM pg_notify('ops_revision', json_build_object('revision', new_revision, 'topics', changed_topics)::text);
    RETURN NULL;
END $$;

INSERT INTO ops.contract_revision (id, revision) VALUES (1, 0) ON CONFLICT DO NOTHING;

DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_trigger
        WHERE tgrelid = 'ops.contract_revisionpending'::regclass AND tgname = 'raise_revision'
    ) THEN
        CREATE CONSTRAINT TRIGGER raise_revision AFTER INSERT ON ops.contract_revisionpending
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ops.raise_revision();
    END IF;
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

CREATE OR REPLACE VIEW ops_v1.revision AS
SELECT revision, changed_at, clock_timestamp() AS database_at FROM ops.contract_revision;
-- backend: GRANT SELECT ON ops_v1.revision
