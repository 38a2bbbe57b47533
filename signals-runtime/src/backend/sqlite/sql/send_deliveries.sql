-- T1: deliveries that are due at once. ?1 is [[receiver, version, id, signal]…] in key order.
-- Under the write lock; appends to each lane.
INSERT INTO signals_delivery (receiver, version, id, signal, life, attempt, lost_leases, refunds)
SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, 0, 0, 0, 0
FROM jsonb_each(?1) AS j
