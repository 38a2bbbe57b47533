-- T11: takes away the settled deliveries of ?1, [[signal, receiver, …]…]. Under the write lock, after retry; by primary key.
DELETE FROM signals_settled
WHERE (signal, receiver) IN (SELECT j.value ->> 0, j.value ->> 1 FROM json_each(?1) AS j)
