-- T1 for what `send` does not store: signals of one type ($1: all its names; $4: the one it has; $5: its version; $6: payloads,
-- in order) with a delivery each for everybody registered for it and not retired. $2, $3: number and names of each receiver
-- linked into the sender; when one of them is not registered for this type nothing is stored, and its number is answered
-- (I14, I15). $7 to $10: headers; $11: the time, or NULL for the server's. $12, $13: the idempotency key of each signal and the
-- hash of its payload, or NULLs; $14: microseconds until all are due, or $15: when they are; NULLs: at once.
-- Answers the ids drawn, in order, and those that were stored: what is not among them has a key that was used before.
-- In the sender's transaction. Waits for others that are storing one of the keys; they are taken in the order of keys. The
-- registry by the names' primary keys and the index on the receivers' type. Otherwise as `send`.
WITH fan AS MATERIALIZED (
    SELECT coalesce(pg_catalog.array_agg(r.id ORDER BY r.id) FILTER (WHERE NOT r.retired), '{}') AS ids,
           pg_catalog.array_agg(r.id) AS known
    FROM signals.receiver AS r
    WHERE r.merged IS NULL
      AND r.type OPERATOR(pg_catalog.=) ANY (ARRAY(
          SELECT n.type FROM signals.signal_name AS n
          WHERE n.name OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])))
),
missing AS MATERIALIZED (
    SELECT l.number
    FROM ROWS FROM (pg_catalog.unnest($2::bigint[]), pg_catalog.unnest($3::pg_catalog.text[])) AS l (number, name)
    LEFT JOIN signals.receiver_name AS n ON n.name OPERATOR(pg_catalog.=) l.name
    GROUP BY l.number
    HAVING pg_catalog.bool_or(n.receiver OPERATOR(pg_catalog.=) ANY ((SELECT f.known FROM fan AS f)::bigint[]))
           IS NOT TRUE
),
moment AS MATERIALIZED (
    SELECT t.now, CASE WHEN t.due OPERATOR(pg_catalog.>) t.now THEN t.due END AS due
    FROM (
        SELECT n.now, coalesce(
                   $15::pg_catalog.timestamptz,
                   n.now OPERATOR(pg_catalog.+) ($14::bigint OPERATOR(pg_catalog.*) pg_catalog.interval '1 microsecond')
               ) AS due
        FROM (SELECT coalesce($11::pg_catalog.timestamptz, pg_catalog.statement_timestamp()) AS now) AS n
    ) AS t
),
input AS MATERIALIZED (
    SELECT pg_catalog.nextval('signals.signal_id_seq') AS id, p.payload, p.key, p.hash
    FROM ROWS FROM (
        pg_catalog.unnest($6::pg_catalog.text[]), pg_catalog.unnest($12::pg_catalog.text[]),
        pg_catalog.unnest($13::pg_catalog.bytea[])
    ) AS p (payload, key, hash)
    WHERE NOT EXISTS (SELECT FROM missing)
),
noted AS (
    INSERT INTO signals.send_key (key, name, payload_hash, signal, deliveries, sent_at)
    SELECT i.key, $4::pg_catalog.text, i.hash, i.id, pg_catalog.cardinality(f.ids), m.now
    FROM input AS i CROSS JOIN fan AS f CROSS JOIN moment AS m
    WHERE i.key IS NOT NULL
    ORDER BY i.key
    ON CONFLICT (key) DO NOTHING
    RETURNING signal
),
stored AS (
    INSERT INTO signals.signal
        (id, name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
    SELECT i.id, $4::pg_catalog.text, $5::bigint, i.payload, f.ids, $7::bigint, $8::bigint, $9::pg_catalog.text,
           $10::pg_catalog.text, m.now
    FROM input AS i CROSS JOIN fan AS f CROSS JOIN moment AS m
    WHERE i.key IS NULL OR i.id OPERATOR(pg_catalog.=) ANY (SELECT n.signal FROM noted AS n)
    RETURNING id, fanout
),
ready AS (
    INSERT INTO signals.delivery (receiver, version, signal)
    SELECT f.receiver, $5::bigint, s.id
    FROM stored AS s CROSS JOIN moment AS m CROSS JOIN LATERAL pg_catalog.unnest(s.fanout) AS f (receiver)
    WHERE m.due IS NULL
),
waiting AS (
    INSERT INTO signals.later (signal, receiver, version, due_at)
    SELECT s.id, f.receiver, $5::bigint, m.due
    FROM stored AS s CROSS JOIN moment AS m CROSS JOIN LATERAL pg_catalog.unnest(s.fanout) AS f (receiver)
    WHERE m.due IS NOT NULL
)
SELECT coalesce((SELECT pg_catalog.array_agg(i.id ORDER BY i.id) FROM input AS i), '{}'),
       (SELECT pg_catalog.cardinality(f.ids)::bigint FROM fan AS f),
       coalesce((SELECT pg_catalog.array_agg(m.number ORDER BY m.number) FROM missing AS m), '{}'),
       coalesce((SELECT pg_catalog.array_agg(s.id ORDER BY s.id) FROM stored AS s), '{}')
