-- Where in lane (?2, ?3), behind id ?4, its deliveries of signals ?1, a JSON array, stand. What was in the lane when ?4 was
-- drawn last and has left its place stands there or in no lane. Under the write lock; by primary key from the bound.
SELECT d.signal, d.id
FROM signals_delivery AS d
WHERE d.receiver = ?2 AND d.version = ?3 AND d.id > ?4 AND d.signal IN (SELECT j.value FROM json_each(?1) AS j)
