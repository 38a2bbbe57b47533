-- Deliveries ?1, [[signal, receiver, version, id]…] with version and id of those in a lane, newest signal first, as they
-- are listed. Read only; by primary key.
SELECT d.signal, d.receiver, d.version, s.name, CASE WHEN d.token IS NULL THEN 'ready' ELSE 'running' END AS state,
       d.life, d.attempt, d.lost_leases, d.refunds, s.sent_at, NULL AS due_at, d.token, d.lease_until,
       NULL AS settled_at, NULL AS reason, d.actor, r.name AS receiver_name
FROM json_each(?1) AS j
CROSS JOIN signals_delivery AS d
    ON d.receiver = j.value ->> 1 AND d.version = j.value ->> 2 AND d.id = j.value ->> 3 AND d.signal = j.value ->> 0
CROSS JOIN signals_signal AS s ON s.id = d.signal
CROSS JOIN signals_receiver AS r ON r.id = d.receiver
UNION ALL
SELECT l.signal, l.receiver, l.version, s.name, 'ready',
       l.life, l.attempt, l.lost_leases, l.refunds, s.sent_at, l.due_at, NULL, NULL, NULL, NULL, l.actor, r.name
FROM json_each(?1) AS j
CROSS JOIN signals_later AS l ON l.signal = j.value ->> 0 AND l.receiver = j.value ->> 1
CROSS JOIN signals_signal AS s ON s.id = l.signal
CROSS JOIN signals_receiver AS r ON r.id = l.receiver
UNION ALL
SELECT t.signal, t.receiver, t.version, t.name, t.outcome,
       t.life, t.attempt, t.lost_leases, t.refunds, t.sent_at, NULL, NULL, NULL, t.settled_at, t.reason, t.actor, r.name
FROM json_each(?1) AS j
CROSS JOIN signals_settled AS t ON t.signal = j.value ->> 0 AND t.receiver = j.value ->> 1
CROSS JOIN signals_receiver AS r ON r.id = t.receiver
ORDER BY 1 DESC, 2
