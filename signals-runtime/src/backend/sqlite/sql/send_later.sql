-- T1: deliveries that are due later. ?1 is [[signal, receiver, version, due_at]…] in key order.
-- Under the write lock.
INSERT INTO signals_later (signal, receiver, version, due_at, life, attempt, lost_leases, refunds)
SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, 0, 0, 0, 0
FROM jsonb_each(?1) AS j
