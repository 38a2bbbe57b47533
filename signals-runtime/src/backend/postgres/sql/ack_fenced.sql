-- T4 inside the receiver's transaction: settles delivery ($2 receiver, $3 version, $4 id), if it is still of signal $5 in
-- life $6 under token $7; $8: history keeps it; $9: microseconds it ran. $1: the time, or NULL for the server's.
-- Answers whether this is the transaction that `fence` marked, without which nothing happens, and whether it matched.
-- Locks the row until the transaction ends; by primary key.
-- Names and types, operators among them, are those of pg_catalog, wherever the application's session looks first.
WITH fence AS MATERIALIZED (
    SELECT coalesce(pg_catalog.current_setting('signals.receiver', true) OPERATOR(pg_catalog.=) 'runs', false) AS stands
),
held AS MATERIALIZED (
    SELECT d.receiver, d.version, d.id, d.signal, d.life, d.attempt, d.lost_leases, d.refunds, d.actor
    FROM signals.delivery AS d
    WHERE d.receiver OPERATOR(pg_catalog.=) $2::bigint AND d.version OPERATOR(pg_catalog.=) $3::bigint
      AND d.id OPERATOR(pg_catalog.=) $4::bigint AND d.signal OPERATOR(pg_catalog.=) $5::bigint
      AND d.life OPERATOR(pg_catalog.=) $6::bigint AND d.token OPERATOR(pg_catalog.=) $7::bigint
      AND (SELECT f.stands FROM fence AS f)
    FOR UPDATE OF d
),
kept AS (
    INSERT INTO signals.settled
        (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, actor, ran, settled_at,
         name, sent_at, correlation, causation, traceparent, build)
    SELECT h.signal, h.receiver, h.version, h.life, h.attempt, h.lost_leases, h.refunds, 'done', h.actor, $9::bigint,
           coalesce($1::pg_catalog.timestamptz, pg_catalog.statement_timestamp()),
           s.name, s.sent_at, s.correlation, s.causation, s.traceparent, s.build
    FROM held AS h LEFT JOIN signals.signal AS s ON s.id OPERATOR(pg_catalog.=) $5::bigint
    WHERE $8::boolean
    ON CONFLICT (signal, receiver) DO NOTHING -- a foreign hand's row must not undo what the receiver did
),
unkept AS (
    DELETE FROM signals.attempt AS a
    USING held AS h
    WHERE NOT $8::boolean
      AND (h.attempt OPERATOR(pg_catalog.>) 1 OR h.lost_leases OPERATOR(pg_catalog.>) 0
           OR h.refunds OPERATOR(pg_catalog.>) 0 OR h.life OPERATOR(pg_catalog.>) 0)
      AND a.signal OPERATOR(pg_catalog.=) $5::bigint
      AND (a.receiver OPERATOR(pg_catalog.+) 0) OPERATOR(pg_catalog.=) $2::bigint
),
removed AS (
    DELETE FROM signals.delivery AS d
    USING held AS h
    WHERE d.receiver OPERATOR(pg_catalog.=) $2::bigint AND d.version OPERATOR(pg_catalog.=) $3::bigint
      AND d.id OPERATOR(pg_catalog.=) $4::bigint AND h.id OPERATOR(pg_catalog.=) d.id
    RETURNING d.id
)
SELECT f.stands, EXISTS (SELECT FROM removed) FROM fence AS f
