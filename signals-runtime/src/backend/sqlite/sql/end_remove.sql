-- T10, whoever runs them, and T4 to T7, T9, when the guard matched all of them: takes away rows ?1,
-- [[receiver, version, id, …]…], that end, settle, postpone or requeue has copied just before. Under the same write lock; by
-- primary key.
DELETE FROM signals_delivery
WHERE (receiver, version, id) IN (SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2 FROM jsonb_each(?1) AS j)
