-- T10: takes away rows ?1, [[receiver, version, id]…], whoever runs them. Under the write lock, after end; by primary key.
DELETE FROM signals_delivery
WHERE (receiver, version, id) IN (SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2 FROM json_each(?1) AS j)
