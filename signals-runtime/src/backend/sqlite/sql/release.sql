-- T8: gives back what of ?1, [[receiver, version, id, signal, life, token]…], is held; at most ?2 refunds in a life.
-- Under the write lock; by primary key.
UPDATE signals_delivery
SET attempt = attempt - (refunds < ?2 AND attempt > 0), refunds = refunds + (refunds < ?2),
    token = NULL, lease_until = NULL
WHERE (receiver, version, id, signal, life, token) IN (
    SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5
    FROM jsonb_each(?1) AS j)
RETURNING id
