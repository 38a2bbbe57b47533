-- T1 in one round: draws ids for ?1 signals of the type with the names ?2, [name or alias…], and for their deliveries, and
-- returns the last signal's. Violates NOT NULL when of the receivers linked into the sender, ?3 [[number, name or
-- alias]…], not all ?4 are registered for this type (I14, I15).
-- Takes the write lock, if the transaction does not have it yet; by the primary keys of the names and the index on the
-- receivers' type.
UPDATE signals_counter
SET signal = CASE WHEN ?4 = (
        SELECT count(DISTINCT j.value ->> 0)
        FROM json_each(?3) AS j
        CROSS JOIN signals_receiver_name AS n ON n.name = j.value ->> 1
        CROSS JOIN signals_receiver AS r ON r.id = n.receiver
        WHERE r.merged IS NULL AND r.type IN (
            SELECT t.type FROM json_each(?2) AS s CROSS JOIN signals_signal_name AS t ON t.name = s.value)
    ) THEN signal + ?1 END,
    delivery = delivery + ?1 * (
        SELECT count(*) FROM signals_receiver AS r
        WHERE r.merged IS NULL AND r.retired = 0 AND r.type IN (
            SELECT t.type FROM json_each(?2) AS s CROSS JOIN signals_signal_name AS t ON t.name = s.value))
WHERE one = 1
RETURNING signal
