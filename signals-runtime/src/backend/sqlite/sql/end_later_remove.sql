-- T10: takes away what waits of ?1, [[signal, receiver]…]. Under the write lock, after end_later; by primary key.
DELETE FROM signals_later
WHERE (signal, receiver) IN (SELECT j.value ->> 0, j.value ->> 1 FROM json_each(?1) AS j)
