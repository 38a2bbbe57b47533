-- T1: signals of one type ($1: all its names; $4: the one it has; $5: its version; $6: payloads, in order) with a delivery
-- each for everybody registered for it and not retired, due at once. $2, $3: number and names of each receiver linked into
-- the sender; when one of them is not registered for this type nothing is stored, and its number is answered (I14, I15).
-- $7 to $10: headers; $11: the time, or NULL for the server's.
-- In the sender's transaction. Locks nothing; the registry by the names' primary keys and the index on the receivers' type;
-- appends. A delivery's id is drawn when its signal's row has made the transaction visible to others as running: the floors
-- of claims rest on that.
-- Names and types, operators among them, are those of pg_catalog, wherever the application's session looks first.
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
stored AS (
    INSERT INTO signals.signal
        (name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
    SELECT $4::pg_catalog.text, $5::bigint, p.payload, f.ids, $7::bigint, $8::bigint, $9::pg_catalog.text,
           $10::pg_catalog.text,
           coalesce($11::pg_catalog.timestamptz, pg_catalog.statement_timestamp())
    FROM pg_catalog.unnest($6::pg_catalog.text[]) AS p (payload) CROSS JOIN fan AS f
    WHERE NOT EXISTS (SELECT FROM missing)
    RETURNING id, fanout
),
delivered AS (
    INSERT INTO signals.delivery (receiver, version, signal)
    SELECT f.receiver, $5::bigint, s.id
    FROM stored AS s CROSS JOIN LATERAL pg_catalog.unnest(s.fanout) AS f (receiver)
)
SELECT coalesce((SELECT pg_catalog.array_agg(s.id ORDER BY s.id) FROM stored AS s), '{}'),
       (SELECT pg_catalog.cardinality(f.ids)::bigint FROM fan AS f),
       coalesce((SELECT pg_catalog.array_agg(m.number ORDER BY m.number) FROM missing AS m), '{}')
