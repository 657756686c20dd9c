-- The schema that backends see. They are granted views and functions in it and nothing else.
CREATE SCHEMA IF NOT EXISTS ops_v1;
-- backend: GRANT USAGE ON SCHEMA ops_v1
