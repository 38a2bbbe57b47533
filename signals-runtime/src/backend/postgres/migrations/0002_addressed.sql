-- Beside each name of a signal stands what a send to it must know, so that it reads one row by its primary key: `names`, all
-- names of that signal; `addressed`, the receivers that a send reaches; `registered`, the names of all receivers that are
-- registered for it, retired ones too. The tables of the registry stay the truth. Triggers keep the copy, so that whoever
-- writes to those tables keeps it: a binary of the release before, too, and a hand.
ALTER TABLE signals.signal_name
    ADD COLUMN names      text[]   NOT NULL DEFAULT '{}',
    ADD COLUMN addressed  bigint[] NOT NULL DEFAULT '{}',
    ADD COLUMN registered text[]   NOT NULL DEFAULT '{}';

-- Under the registry's lock: what another transaction changes at the same time is committed, and seen by the next statement,
-- or waits for this one.
CREATE FUNCTION signals.readdress() RETURNS trigger LANGUAGE plpgsql SET search_path TO pg_catalog, pg_temp AS $$
DECLARE
    touched bigint[];
BEGIN
    PERFORM FROM signals.registry FOR UPDATE;
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

CREATE TRIGGER readdress AFTER INSERT OR DELETE OR UPDATE OF name, type ON signals.signal_name
    FOR EACH ROW EXECUTE FUNCTION signals.readdress();
CREATE TRIGGER readdress AFTER INSERT OR DELETE OR UPDATE OF id, type, retired, merged ON signals.receiver
    FOR EACH ROW EXECUTE FUNCTION signals.readdress();
CREATE TRIGGER readdress AFTER INSERT OR DELETE OR UPDATE OF name, receiver ON signals.receiver_name
    FOR EACH ROW EXECUTE FUNCTION signals.readdress();

-- What is registered already: the trigger sees every name once.
UPDATE signals.signal_name SET type = type;
