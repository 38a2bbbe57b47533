-- In the order in which a registration takes its locks: the registry's row, and then the tables.
SELECT FROM signals.registry FOR UPDATE;

-- Beside each name of a signal stands what a send to it must know, so that it reads one row by its primary key: `names`, all
-- names of that signal; `addressed`, the receivers that a send reaches; `registered`, the names of all receivers that are
-- registered for it, retired ones too. The tables of the registry stay the truth. Triggers keep the copy, so that whoever
-- writes to those tables keeps it: a binary of the release before, too, and a hand.
-- NULL until a trigger has filled them: where triggers do not fire, as in a restore or a replica, nothing is said, which is
-- not the same as that nobody is registered, and a send asks the tables.
ALTER TABLE signals.signal_name
    ADD COLUMN names      text[],
    ADD COLUMN addressed  bigint[],
    ADD COLUMN registered text[];

-- Before any row is locked, as a registration does. What another transaction changes at the same time is committed, and seen
-- by `readdress`, or waits for this one.
CREATE FUNCTION signals.readdress_alone() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog, pg_temp AS $$
BEGIN
    PERFORM FROM signals.registry FOR UPDATE;
    RETURN NULL;
END $$;

CREATE FUNCTION signals.readdress() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog, pg_temp AS $$
DECLARE
    touched bigint[];
BEGIN
    IF TG_TABLE_NAME = 'receiver_name' THEN
        touched := ARRAY(SELECT r.type FROM signals.receiver AS r WHERE r.id IN (OLD.receiver, NEW.receiver));
    ELSE
        touched := ARRAY[OLD.type, NEW.type];
    END IF;
    UPDATE signals.signal_name AS n
    SET names = ARRAY(SELECT o.name FROM signals.signal_name AS o WHERE o.type = n.type ORDER BY o.name COLLATE "C"),
        addressed = ARRAY(
            SELECT r.id FROM signals.receiver AS r
            WHERE r.type = n.type AND r.merged IS NULL AND NOT r.retired ORDER BY r.id),
        registered = ARRAY(
            SELECT o.name FROM signals.receiver AS r JOIN signals.receiver_name AS o ON o.receiver = r.id
            WHERE r.type = n.type AND r.merged IS NULL ORDER BY o.name COLLATE "C")
    WHERE n.type = ANY (touched);
    RETURN NULL;
END $$;

-- What a TRUNCATE takes away it does not name.
CREATE FUNCTION signals.readdress_unsaid() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog, pg_temp AS $$
BEGIN
    UPDATE signals.signal_name SET names = NULL, addressed = NULL, registered = NULL;
    RETURN NULL;
END $$;

CREATE TRIGGER readdress_alone BEFORE INSERT OR DELETE OR UPDATE OF name, type ON signals.signal_name
    FOR EACH STATEMENT EXECUTE FUNCTION signals.readdress_alone();
CREATE TRIGGER readdress AFTER INSERT OR DELETE OR UPDATE OF name, type ON signals.signal_name
    FOR EACH ROW EXECUTE FUNCTION signals.readdress();
CREATE TRIGGER readdress_alone BEFORE INSERT OR DELETE OR UPDATE OF id, type, retired, merged ON signals.receiver
    FOR EACH STATEMENT EXECUTE FUNCTION signals.readdress_alone();
CREATE TRIGGER readdress AFTER INSERT OR DELETE OR UPDATE OF id, type, retired, merged ON signals.receiver
    FOR EACH ROW EXECUTE FUNCTION signals.readdress();
CREATE TRIGGER readdress_unsaid AFTER TRUNCATE ON signals.receiver
    FOR EACH STATEMENT EXECUTE FUNCTION signals.readdress_unsaid();
CREATE TRIGGER readdress_alone BEFORE INSERT OR DELETE OR UPDATE OF name, receiver ON signals.receiver_name
    FOR EACH STATEMENT EXECUTE FUNCTION signals.readdress_alone();
CREATE TRIGGER readdress AFTER INSERT OR DELETE OR UPDATE OF name, receiver ON signals.receiver_name
    FOR EACH ROW EXECUTE FUNCTION signals.readdress();
CREATE TRIGGER readdress_unsaid AFTER TRUNCATE ON signals.receiver_name
    FOR EACH STATEMENT EXECUTE FUNCTION signals.readdress_unsaid();

-- What is registered already: the trigger sees every name once.
UPDATE signals.signal_name SET type = type;
