-- I15: of two deliveries of one signal, that of the alias $2 is cancelled; $3 has the other. $1: the time, or NULL for the
-- server's. Under the registry's lock; scans the lanes of both, and locks what it ends in key order.
WITH held AS MATERIALIZED (
    SELECT d.receiver, d.version, d.id, d.signal
    FROM signals.delivery AS d
    WHERE d.receiver = $2::bigint
      AND (EXISTS (SELECT FROM signals.delivery AS o WHERE o.receiver = $3::bigint AND o.signal = d.signal)
        OR EXISTS (SELECT FROM signals.later AS o WHERE o.signal = d.signal AND o.receiver = $3::bigint)
        OR EXISTS (SELECT FROM signals.settled AS o WHERE o.signal = d.signal AND o.receiver = $3::bigint))
    ORDER BY d.receiver, d.version, d.id
    FOR UPDATE OF d
),
gone AS (
    DELETE FROM signals.delivery AS d
    USING held AS h
    WHERE d.receiver = h.receiver AND d.version = h.version AND d.id = h.id
    RETURNING d.signal, d.version, d.life, d.attempt, d.lost_leases, d.refunds
),
waited AS (
    DELETE FROM signals.later AS l
    WHERE l.receiver = $2::bigint
      AND (EXISTS (SELECT FROM signals.delivery AS o WHERE o.receiver = $3::bigint AND o.signal = l.signal)
        OR EXISTS (SELECT FROM signals.later AS o WHERE o.signal = l.signal AND o.receiver = $3::bigint)
        OR EXISTS (SELECT FROM signals.settled AS o WHERE o.signal = l.signal AND o.receiver = $3::bigint))
    RETURNING l.signal, l.version, l.life, l.attempt, l.lost_leases, l.refunds
)
INSERT INTO signals.settled
    (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, settled_at,
     name, sent_at, payload, correlation, causation, traceparent, build, fanout)
SELECT p.signal, $2::bigint, p.version, p.life, p.attempt, p.lost_leases, p.refunds, 'cancelled', 'merged', 'merged',
       coalesce($1::timestamptz, statement_timestamp()),
       s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
FROM (SELECT * FROM gone UNION ALL SELECT * FROM waited) AS p LEFT JOIN signals.signal AS s ON s.id = p.signal
