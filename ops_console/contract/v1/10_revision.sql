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
    UPDATE ops.contract_revision SET revision = revision + 1, changed_at = clock_timestamp()
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
