-- T1: many signals of one type, as `send` with an array of payloads, in order ($10).
-- Answers the ids, in that order, and to how many each is delivered; or nothing, as `send`.
-- In the sender's transaction, as `send`. Payloads are unnested where they are selected: unnested in FROM they are all put down
-- before the first is read, beyond `work_mem` into a file.
WITH fan AS MATERIALIZED (
    SELECT n.addressed
    FROM signals.signal_name AS n
    WHERE n.name OPERATOR(pg_catalog.=) $1::pg_catalog.text
      AND n.addressed IS NOT NULL
      AND ($3::pg_catalog.text[] IS NULL OR $3::pg_catalog.text[] OPERATOR(pg_catalog.<@) n.names)
      AND ($4::pg_catalog.text[] IS NULL
           OR $4::pg_catalog.text[] OPERATOR(pg_catalog.=) n.registered
           OR $4::pg_catalog.text[] OPERATOR(pg_catalog.<@) n.registered)
),
stored AS (
    INSERT INTO signals.signal
        (name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
    SELECT $1::pg_catalog.text, $2::bigint, p.payload, p.addressed, $5::bigint, $6::bigint,
           $7::pg_catalog.text, $8::pg_catalog.text, coalesce($9::pg_catalog.timestamptz, pg_catalog.statement_timestamp())
    FROM (SELECT f.addressed, pg_catalog.unnest($10::pg_catalog.text[]) AS payload FROM fan AS f) AS p
    RETURNING id
),
delivered AS (
    INSERT INTO signals.delivery (receiver, version, signal)
    SELECT r.receiver, $2::bigint, s.id
    FROM stored AS s CROSS JOIN pg_catalog.unnest((SELECT f.addressed FROM fan AS f)) AS r (receiver)
)
SELECT coalesce((SELECT pg_catalog.array_agg(s.id ORDER BY s.id) FROM stored AS s), '{}'),
       pg_catalog.cardinality(f.addressed)::bigint
FROM fan AS f
