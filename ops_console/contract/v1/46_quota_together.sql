-- Several resources in one call: all are taken, or none. In the order of their names, so that no two calls wait for each
-- other. `uses` is a list of resource, cost (NULL: the resource's own) and id, of a reservation or a place.
CREATE OR REPLACE FUNCTION ops_v1.quota_all(asked_user text, asked_tier text, by_service text, uses jsonb)
RETURNS SETOF jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ops, pg_temp AS $$
DECLARE
    use record;
    answer jsonb;
    answers jsonb[] := '{}';
    refused boolean := false;
BEGIN
    BEGIN
        FOR use IN
            SELECT u.resource, u.cost, u.id, r.kind, r.cost AS usual FROM jsonb_to_recordset(uses)
                AS u(resource text, cost bigint, id uuid) LEFT JOIN ops.quotas_resource r ON r.name = u.resource
            ORDER BY u.resource
        LOOP
            IF use.kind = 'rate' THEN
                SELECT to_jsonb(d) INTO answer
                FROM ops_v1.quota_hit(use.resource, asked_user, asked_tier, use.cost, 0, NULL, 0) d;
            ELSIF use.kind = 'storage' THEN
                SELECT to_jsonb(d) INTO answer FROM ops_v1.quota_reserve(
                    use.resource, asked_user, asked_tier, coalesce(use.cost, use.usual), use.id) d;
            ELSIF use.kind = 'concurrency' THEN
                SELECT to_jsonb(d) INTO answer
                FROM ops_v1.quota_take(use.resource, asked_user, asked_tier, use.id, by_service) d;
            ELSIF use.kind = 'allowance' THEN
                SELECT to_jsonb(d) INTO answer
                FROM ops_v1.quota_consume(use.resource, asked_user, asked_tier, use.cost) d;
            ELSE
                answer := '{"kind": null, "allowed": false, "shadow": false}';
            END IF;
            answers := answers || (answer || jsonb_build_object('resource', use.resource));
            refused := refused OR NOT ((answer ->> 'allowed')::boolean OR (answer ->> 'shadow')::boolean);
        END LOOP;
        IF refused THEN
            RAISE EXCEPTION 'one of them refused' USING ERRCODE = 'QR000';
        END IF;
    EXCEPTION WHEN SQLSTATE 'QR000' THEN
        -- What was taken is undone; the answers stand.
        NULL;
    END;
    RETURN QUERY SELECT unnest(answers);
END $$;
REVOKE ALL ON FUNCTION ops_v1.quota_all(text, text, text, jsonb) FROM PUBLIC;
-- backend: GRANT EXECUTE ON FUNCTION ops_v1.quota_all(text, text, text, jsonb)
