-- T4 to T7, T9, the guard: takes away ?1, [[receiver, version, id, signal, life, token]…], says which were held, and which
-- of those have a history of attempts. Under the write lock; by primary key. The guard is a join: six values behind IN are
-- collected twice, as keys to search and as rows to compare. Where all were copied, end_remove is enough.
DELETE FROM signals_delivery
WHERE (receiver, version, id) IN (
    SELECT d.receiver, d.version, d.id
    FROM jsonb_each(?1) AS j
    CROSS JOIN signals_delivery AS d
        ON d.receiver = j.value ->> 0 AND d.version = j.value ->> 1 AND d.id = j.value ->> 2
       AND d.signal = j.value ->> 3 AND d.life = j.value ->> 4 AND d.token = j.value ->> 5)
RETURNING id, attempt > 1 OR lost_leases > 0 OR refunds > 0 OR life > 0
