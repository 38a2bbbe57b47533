-- Four roles with what each needs and no more. Run it as a superuser in the database that holds the deliveries, after the
-- first `migrate()` and after each new migration; grant the roles to those that log in:
--
--     GRANT signals_sender TO web; GRANT signals_worker TO jobs; GRANT signals_reader TO grafana;
--
-- signals_migrator  owns the schema and applies migrations
-- signals_sender    sends, and reads what a send has to know: no payloads, and of deliveries no more than whose they are
-- signals_worker    registers receivers, runs deliveries, and does what operators do; sends, too
-- signals_reader    looks at everything, payloads included, and changes nothing
--
-- It may be run again at any time.
--
-- Whoever runs it is a superuser, so nothing that others have put on its search path may be found first.
SET search_path TO pg_catalog, pg_temp;

DO $$
DECLARE
    wanted pg_catalog.text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['signals_migrator', 'signals_sender', 'signals_worker', 'signals_reader'] LOOP
        BEGIN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- roles belong to the whole server: another database has made it
        END;
    END LOOP;
END $$;

-- The migrator: creates the schema the first time, and owns what is there already.
DO $$
DECLARE
    object record;
BEGIN
    EXECUTE pg_catalog.format('GRANT CREATE ON DATABASE %I TO signals_migrator', pg_catalog.current_database());
    EXECUTE 'CREATE SCHEMA IF NOT EXISTS signals AUTHORIZATION signals_migrator';
    EXECUTE 'ALTER SCHEMA signals OWNER TO signals_migrator';
    FOR object IN
        SELECT c.relname, CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END AS kind
        FROM pg_catalog.pg_class AS c
        WHERE c.relnamespace = 'signals'::pg_catalog.regnamespace AND c.relkind IN ('r', 'v')
    LOOP
        EXECUTE pg_catalog.format('ALTER %s signals.%I OWNER TO signals_migrator', object.kind, object.relname);
    END LOOP;
    FOR object IN
        SELECT p.oid::pg_catalog.regprocedure AS signature
        FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = 'signals'::pg_catalog.regnamespace
    LOOP
        EXECUTE pg_catalog.format('ALTER FUNCTION %s OWNER TO signals_migrator', object.signature);
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA signals TO signals_sender, signals_worker, signals_reader;

-- The sender: names and receivers to know whom a send addresses, and rows to append. What a send answers are ids.
GRANT SELECT ON signals.signal_name, signals.receiver, signals.receiver_name, signals.send_key TO signals_sender;
GRANT SELECT (id, fanout) ON signals.signal TO signals_sender;
GRANT SELECT (receiver, id) ON signals.delivery TO signals_sender;
GRANT INSERT ON signals.signal, signals.delivery, signals.later, signals.send_key TO signals_sender;
GRANT USAGE ON SEQUENCE signals.signal_id_seq TO signals_sender;

-- The worker: everything but the schema itself. The rows of workers and the log of actions are never deleted.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA signals TO signals_worker;
REVOKE DELETE ON signals.worker, signals.action FROM signals_worker;
REVOKE INSERT, UPDATE, DELETE ON signals.migration FROM signals_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA signals TO signals_worker;

-- The reader.
GRANT SELECT ON ALL TABLES IN SCHEMA signals TO signals_reader;

RESET search_path;
