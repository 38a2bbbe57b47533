-- I15: what is pending for the alias $2 goes to $3, or ends as cancelled where $3 has the same signal: in one statement, so
-- that both are decided from one snapshot, in which whatever a send stored is there for both or for neither. Ids are drawn
-- for all lanes together, so none collide. $1: the time, or NULL for the server's.
-- Under the registry's lock. Scans the lanes of both, the rest by primary key; locks what is the alias's in key order, as
-- acknowledgements do.
WITH heir AS MATERIALIZED (
    SELECT DISTINCT o.signal FROM signals.delivery AS o WHERE o.receiver = $3::bigint
),
held AS MATERIALIZED (
    SELECT d.receiver, d.version, d.id,
           (o.signal IS NOT NULL
            OR EXISTS (SELECT FROM signals.later AS o WHERE o.signal = d.signal AND o.receiver = $3::bigint)
            OR EXISTS (SELECT FROM signals.settled AS o WHERE o.signal = d.signal AND o.receiver = $3::bigint)) AS twice
    FROM signals.delivery AS d LEFT JOIN heir AS o ON o.signal = d.signal
    WHERE d.receiver = $2::bigint
    ORDER BY d.receiver, d.version, d.id
    FOR UPDATE OF d
),
waiting AS MATERIALIZED (
    SELECT l.signal, l.receiver,
           (o.signal IS NOT NULL
            OR EXISTS (SELECT FROM signals.later AS o WHERE o.signal = l.signal AND o.receiver = $3::bigint)
            OR EXISTS (SELECT FROM signals.settled AS o WHERE o.signal = l.signal AND o.receiver = $3::bigint)) AS twice
    FROM signals.later AS l LEFT JOIN heir AS o ON o.signal = l.signal
    WHERE l.receiver = $2::bigint
    ORDER BY l.signal, l.receiver
    FOR UPDATE OF l
),
gone AS (
    DELETE FROM signals.delivery AS d
    USING held AS h
    WHERE h.twice AND d.receiver = h.receiver AND d.version = h.version AND d.id = h.id
    RETURNING d.signal, d.version, d.life, d.attempt, d.lost_leases, d.refunds
),
waited AS (
    DELETE FROM signals.later AS l
    USING waiting AS w
    WHERE w.twice AND l.signal = w.signal AND l.receiver = w.receiver
    RETURNING l.signal, l.version, l.life, l.attempt, l.lost_leases, l.refunds
),
moved AS (
    UPDATE signals.delivery AS d SET receiver = $3::bigint
    FROM held AS h
    WHERE NOT h.twice AND d.receiver = h.receiver AND d.version = h.version AND d.id = h.id
),
put_off AS (
    UPDATE signals.later AS l SET receiver = $3::bigint
    FROM waiting AS w
    WHERE NOT w.twice AND l.signal = w.signal AND l.receiver = w.receiver
)
INSERT INTO signals.settled
    (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, settled_at,
     name, sent_at, payload, correlation, causation, traceparent, build, fanout)
SELECT p.signal, $2::bigint, p.version, p.life, p.attempt, p.lost_leases, p.refunds, 'cancelled', 'merged', 'merged',
       coalesce($1::timestamptz, statement_timestamp()),
       s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
FROM (SELECT * FROM gone UNION ALL SELECT * FROM waited) AS p JOIN signals.signal AS s ON s.id = p.signal
ON CONFLICT (signal, receiver) DO NOTHING
