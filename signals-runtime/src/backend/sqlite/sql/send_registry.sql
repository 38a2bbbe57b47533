-- T1: who receives. ?1 is [[signal of the batch, name or alias]…]: everybody registered for it. ?2 is
-- [[signal of the batch, linked receiver, its name or alias]…]: those of them that are stored, marked by their number; whether
-- for this signal is seen by the first half, which alone says who receives.
-- Under the write lock; by the primary keys of the names and the index on the receivers' type.
SELECT j.value ->> 0 AS sent, r.id, r.retired, NULL AS linked
FROM jsonb_each(?1) AS j
CROSS JOIN signals_signal_name AS n ON n.name = j.value ->> 1
CROSS JOIN signals_receiver AS r ON r.type = n.type AND r.merged IS NULL
UNION ALL
SELECT j.value ->> 0, r.id, r.retired, j.value ->> 1
FROM jsonb_each(?2) AS j
CROSS JOIN signals_receiver_name AS n ON n.name = j.value ->> 2
CROSS JOIN signals_receiver AS r ON r.id = n.receiver
