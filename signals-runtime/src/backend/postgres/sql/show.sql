-- Deliveries ($1 signals, $2 receivers; $3 versions and $4 ids of those in a lane), newest signal first, as they are listed.
-- Read only; by primary key.
WITH asked AS MATERIALIZED (
    SELECT k.signal, k.receiver, k.version, k.id
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS k (signal, receiver, version, id)
),
shown AS (
    SELECT d.signal, d.receiver, d.version, s.name, CASE WHEN d.token IS NULL THEN 'ready' ELSE 'running' END AS state,
           d.life, d.attempt, d.lost_leases, d.refunds, s.sent_at, NULL::timestamptz AS due_at, d.token, d.lease_until,
           NULL::timestamptz AS settled_at, NULL::text AS reason, d.actor
    FROM asked AS k
    JOIN signals.delivery AS d ON d.receiver = k.receiver AND d.version = k.version AND d.id = k.id AND d.signal = k.signal
    JOIN signals.signal AS s ON s.id = d.signal
    UNION ALL
    SELECT l.signal, l.receiver, l.version, s.name, 'ready',
           l.life, l.attempt, l.lost_leases, l.refunds, s.sent_at, l.due_at, NULL, NULL, NULL, NULL, l.actor
    FROM asked AS k
    JOIN signals.later AS l ON l.signal = k.signal AND l.receiver = k.receiver
    JOIN signals.signal AS s ON s.id = l.signal
    UNION ALL
    SELECT t.signal, t.receiver, t.version, t.name, t.outcome,
           t.life, t.attempt, t.lost_leases, t.refunds, t.sent_at, NULL, NULL, NULL, t.settled_at, t.reason, t.actor
    FROM asked AS k
    JOIN signals.settled AS t ON t.signal = k.signal AND t.receiver = k.receiver
)
SELECT s.*, r.name AS receiver_name
FROM shown AS s JOIN signals.receiver AS r ON r.id = s.receiver
ORDER BY s.signal DESC, s.receiver
