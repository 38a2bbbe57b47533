-- T1 and T2: as `send`, and of what it stores the deliveries for $11 are stored as claimed, but for paused receivers: under
-- token $12, for $13 microseconds from now, with their first attempt counted.
-- Answers, too, when it was sent, whose deliveries are claimed, and under which ids they stand.
-- In the sender's transaction. Locks nothing; the registry is one row, by the name's primary key; what is paused is looked up
-- by the receivers' primary key; appends.
-- Names and types, operators among them, are those of pg_catalog, wherever the application's session looks first.
WITH before AS MATERIALIZED (
    SELECT pg_catalog.pg_current_xact_id_if_assigned() IS NOT NULL AS wrote,
           coalesce($9::pg_catalog.timestamptz, pg_catalog.statement_timestamp()) AS now,
           ARRAY(
               SELECT r.id FROM signals.receiver AS r
               WHERE r.id OPERATOR(pg_catalog.=) ANY ($11::bigint[]) AND NOT r.paused
           ) AS claims
),
stored AS (
    INSERT INTO signals.signal
        (name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
    SELECT $1::pg_catalog.text, $2::bigint, $10::pg_catalog.text, n.addressed, $5::bigint, $6::bigint,
           $7::pg_catalog.text, $8::pg_catalog.text, b.now
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
    INSERT INTO signals.delivery (receiver, version, signal, token, lease_until, attempt)
    SELECT f.receiver, $2::bigint, s.id,
           CASE WHEN f.claimed THEN $12::bigint END,
           CASE WHEN f.claimed THEN
               f.now OPERATOR(pg_catalog.+) ($13::bigint OPERATOR(pg_catalog.*) interval '1 microsecond')
           END,
           CASE WHEN f.claimed THEN 1 ELSE 0 END
    FROM stored AS s CROSS JOIN LATERAL (
        SELECT f.receiver, b.now, f.receiver OPERATOR(pg_catalog.=) ANY (b.claims) AS claimed
        FROM pg_catalog.unnest(s.fanout) AS f (receiver) CROSS JOIN before AS b
    ) AS f
    RETURNING receiver, id
)
SELECT s.id, pg_catalog.cardinality(s.fanout)::bigint, b.wrote, b.now, d.receivers, d.ids
FROM stored AS s
CROSS JOIN before AS b
CROSS JOIN (
    SELECT coalesce(pg_catalog.array_agg(d.receiver), '{}') AS receivers, coalesce(pg_catalog.array_agg(d.id), '{}') AS ids
    FROM delivered AS d CROSS JOIN before AS b
    WHERE d.receiver OPERATOR(pg_catalog.=) ANY (b.claims)
) AS d
