-- T1: one signal ($1: its name; $2: its version; $10: its payload) with a delivery each for everybody registered for it and
-- not retired, due at once. $3: the names it has, when it has several; $4: all names of the receivers linked into the sender,
-- in the order of their bytes, or NULL when there are none; $5 to $8: headers; $9: the time, or NULL for the server's.
-- Answers nothing, and stores nothing, when it is not said beside the name that all of these are known (I14, I15), or nothing
-- is said there, because triggers were off when the name was stored: then `send_with` finds out.
-- Answers the id, to how many it is delivered, and whether its transaction has written something before: then one is open, which
-- statements of the application have not ended.
-- Most often the linked are the registered, and one pass shows it: `<@` compares each with each.
-- In the sender's transaction. Locks nothing; the registry is one row, by the name's primary key; appends. A delivery's id is
-- drawn when its signal's row has made the transaction visible to others as running: the floors of claims rest on that.
-- Names and types, operators among them, are those of pg_catalog, wherever the application's session looks first.
WITH before AS MATERIALIZED (
    SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL AS wrote
),
stored AS (
    INSERT INTO signals.signal
        (name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
    SELECT $1::pg_catalog.text, $2::bigint, $10::pg_catalog.text, n.addressed, $5::bigint, $6::bigint,
           $7::pg_catalog.text, $8::pg_catalog.text, coalesce($9::pg_catalog.timestamptz, pg_catalog.statement_timestamp())
    FROM before AS b CROSS JOIN signals.signal_name AS n
    WHERE b.wrote IS NOT NULL -- so that it is asked before anything is written
      AND n.name OPERATOR(pg_catalog.=) $1::pg_catalog.text
      AND n.addressed IS NOT NULL
      AND ($3::pg_catalog.text[] IS NULL OR $3::pg_catalog.text[] OPERATOR(pg_catalog.<@) n.names)
      AND ($4::pg_catalog.text[] IS NULL
           OR $4::pg_catalog.text[] OPERATOR(pg_catalog.=) n.registered
           OR $4::pg_catalog.text[] OPERATOR(pg_catalog.<@) n.registered)
    RETURNING id, fanout
),
delivered AS (
    INSERT INTO signals.delivery (receiver, version, signal)
    SELECT f.receiver, $2::bigint, s.id
    FROM stored AS s CROSS JOIN LATERAL pg_catalog.unnest(s.fanout) AS f (receiver)
)
SELECT s.id, pg_catalog.cardinality(s.fanout)::bigint, b.wrote FROM stored AS s CROSS JOIN before AS b
