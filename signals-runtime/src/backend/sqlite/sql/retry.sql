-- T11: a new life for the dead and cancelled of ?1, [[signal, receiver, fresh id]…], by ?2, due as of ?3.
-- Under the write lock, by primary key; retry_settled takes the old rows away.
INSERT INTO signals_delivery (receiver, version, id, signal, life, attempt, lost_leases, refunds, actor, due_at)
SELECT t.receiver, t.version, j.value ->> 2, t.signal, t.life + 1, 0, 0, 0, ?2, ?3
FROM json_each(?1) AS j
CROSS JOIN signals_settled AS t ON t.signal = j.value ->> 0 AND t.receiver = j.value ->> 1
WHERE t.outcome IN ('dead', 'cancelled')
