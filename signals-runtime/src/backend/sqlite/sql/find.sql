-- Where in the lanes of receiver ?2 its deliveries of signals ?1, a JSON array with lowest ?3 and highest ?4, stand; at most
-- ?5, which is how many there can be. Scans the lanes by primary key from their ends, where the newest are, until all are
-- found; most rows no further than the comparison with the two bounds.
SELECT d.signal, d.receiver, d.version, d.id
FROM signals_delivery AS d
WHERE d.receiver = ?2 AND d.signal BETWEEN ?3 AND ?4 AND d.signal IN (SELECT j.value FROM json_each(?1) AS j)
ORDER BY d.receiver DESC, d.version DESC, d.id DESC
LIMIT +?5
