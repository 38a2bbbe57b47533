-- Deliveries of receiver ?2 or any, of the signal named ?3 or any, behind (?4, ?5), at most ?6: ready ones if ?7, running
-- ones if ?8, settled ones with an outcome in JSON array ?1 if ?9. Read only. What is not asked for is not looked at; what
-- is ready or running is scanned, what waits and what is settled is walked by primary key from ?4 down; each stops at ?6.
SELECT o.*, r.name AS receiver_name
FROM (
    SELECT d.signal, d.receiver, d.version, s.name, CASE WHEN d.token IS NULL THEN 'ready' ELSE 'running' END AS state,
           d.life, d.attempt, d.lost_leases, d.refunds, s.sent_at, NULL AS due_at, d.token, d.lease_until,
           NULL AS settled_at, NULL AS reason, d.actor
    FROM (
        SELECT * FROM signals_delivery AS p
        WHERE (?7 OR ?8) AND ((?7 AND p.token IS NULL) OR (?8 AND p.token IS NOT NULL))
          AND p.receiver IN (
            SELECT w.id FROM signals_receiver AS w
            WHERE ?2 IS NULL
               OR coalesce(w.merged, w.id) = (SELECT n.receiver FROM signals_receiver_name AS n WHERE n.name = ?2))
          AND (?3 IS NULL OR EXISTS (SELECT 1 FROM signals_signal AS t WHERE t.id = p.signal AND t.name = ?3))
          AND p.signal <= ?4 AND (p.signal < ?4 OR p.receiver > ?5)
        ORDER BY p.signal DESC, p.receiver LIMIT ?6) AS d
    CROSS JOIN signals_signal AS s ON s.id = d.signal
    UNION ALL
    SELECT l.signal, l.receiver, l.version, s.name, 'ready',
           l.life, l.attempt, l.lost_leases, l.refunds, s.sent_at, l.due_at, NULL, NULL, NULL, NULL, l.actor
    FROM (
        SELECT * FROM signals_later AS p
        WHERE ?7
          AND +p.receiver IN (
            SELECT w.id FROM signals_receiver AS w
            WHERE ?2 IS NULL
               OR coalesce(w.merged, w.id) = (SELECT n.receiver FROM signals_receiver_name AS n WHERE n.name = ?2))
          AND (?3 IS NULL OR EXISTS (SELECT 1 FROM signals_signal AS t WHERE t.id = p.signal AND t.name = ?3))
          AND p.signal <= ?4 AND (p.signal < ?4 OR +p.receiver > ?5)
        ORDER BY p.signal DESC, p.receiver LIMIT ?6) AS l
    CROSS JOIN signals_signal AS s ON s.id = l.signal
    UNION ALL
    SELECT t.signal, t.receiver, t.version, t.name, t.outcome,
           t.life, t.attempt, t.lost_leases, t.refunds, t.sent_at, NULL, NULL, NULL, t.settled_at, t.reason, t.actor
    FROM (
        SELECT p.signal, p.receiver, p.version, p.name, p.outcome, p.life, p.attempt, p.lost_leases, p.refunds,
               p.sent_at, p.settled_at, p.reason, p.actor
        FROM signals_settled AS p
        WHERE ?9 AND p.outcome IN (SELECT value FROM json_each(?1))
          AND +p.receiver IN (
            SELECT w.id FROM signals_receiver AS w
            WHERE ?2 IS NULL
               OR coalesce(w.merged, w.id) = (SELECT n.receiver FROM signals_receiver_name AS n WHERE n.name = ?2))
          AND (?3 IS NULL OR p.name = ?3)
          AND p.signal <= ?4 AND (p.signal < ?4 OR +p.receiver > ?5)
        ORDER BY p.signal DESC, p.receiver LIMIT ?6) AS t
) AS o
CROSS JOIN signals_receiver AS r ON r.id = o.receiver
ORDER BY o.signal DESC, o.receiver
LIMIT ?6
