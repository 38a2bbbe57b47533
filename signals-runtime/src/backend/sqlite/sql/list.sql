-- Deliveries of the states in JSON array ?1, of receiver ?2 or any, of the signal named ?3 or any, behind (?4, ?5) if
-- given; at most ?6. Read only; scans what is pending and settled.
SELECT o.*, r.name AS receiver_name
FROM signals_overview AS o CROSS JOIN signals_receiver AS r ON r.id = o.receiver
WHERE o.state IN (SELECT value FROM json_each(?1))
  AND (?2 IS NULL OR coalesce(r.merged, r.id) = (SELECT n.receiver FROM signals_receiver_name AS n WHERE n.name = ?2))
  AND (?3 IS NULL OR o.name = ?3)
  AND (?4 IS NULL OR o.signal < ?4 OR (o.signal = ?4 AND o.receiver > ?5))
ORDER BY o.signal DESC, o.receiver
LIMIT ?6
