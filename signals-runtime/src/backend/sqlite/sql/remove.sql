-- T4 to T7, T9, the guard: takes away ?1, [[receiver, version, id, signal, life, token]…], says which were held, and which
-- of those have a history of attempts. Under the write lock; by primary key. Where all were copied, end_remove is enough.
DELETE FROM signals_delivery
WHERE (receiver, version, id, signal, life, token) IN (
    SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5
    FROM jsonb_each(?1) AS j)
RETURNING id, attempt > 1 OR lost_leases > 0 OR refunds > 0 OR life > 0
