-- T1 in one round: draws ids for ?1 signals of the type with the names ?2, [name or alias…], and for their deliveries, and
-- returns the last signal's. Violates NOT NULL, with which the round ends, when these names are of several types, and when
-- a receiver linked into the sender, ?3 [[name or alias…]…], is not registered for this type (I14, I15).
-- Takes the write lock, if the transaction does not have it yet; by the primary keys of the names and the index on the
-- receivers' type.
UPDATE signals_counter
SET signal = CASE
        WHEN EXISTS (
            SELECT 1 FROM json_each(?3) AS l
            WHERE NOT EXISTS (
                SELECT 1 FROM json_each(l.value) AS j
                CROSS JOIN signals_receiver_name AS n ON n.name = j.value
                CROSS JOIN signals_receiver AS r ON r.id = n.receiver AND r.merged IS NULL
                WHERE r.type = (
                    SELECT max(t.type) FROM json_each(?2) AS s CROSS JOIN signals_signal_name AS t ON t.name = s.value)))
        THEN NULL
        WHEN (SELECT min(t.type) <> max(t.type)
              FROM json_each(?2) AS s CROSS JOIN signals_signal_name AS t ON t.name = s.value)
        THEN NULL
        ELSE signal + ?1
    END,
    delivery = delivery + ?1 * (
        SELECT count(*) FROM signals_receiver AS r
        WHERE r.merged IS NULL AND r.retired = 0 AND r.type = (
            SELECT max(t.type) FROM json_each(?2) AS s CROSS JOIN signals_signal_name AS t ON t.name = s.value))
WHERE one = 1
RETURNING signal
