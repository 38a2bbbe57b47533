-- T3: extends the leases of ?1, [[receiver, version, id, signal, life, token]…], to ?2, and says which were held.
-- Under the write lock; by primary key.
UPDATE signals_delivery SET lease_until = ?2
WHERE (receiver, version, id, signal, life, token) IN (
    SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5
    FROM jsonb_each(?1) AS j)
RETURNING id
