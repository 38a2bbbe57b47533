-- T4 without history, and T12: forgets the attempts of ?1, [[signal, receiver]…]. Under the write lock; by index.
DELETE FROM signals_attempt
WHERE (signal, receiver) IN (SELECT j.value ->> 0, j.value ->> 1 FROM jsonb_each(?1) AS j)
