-- T1 in one round, first: draws ids for ?1 signals named ?2 and for their deliveries. Violates NOT NULL, with which the
-- round ends, when not all ?4 receivers linked into the sender, ?3 [name…], are registered for this type (I14, I15), and
-- when one of its aliases, ?5 [alias…], is another type so far.
-- Takes the write lock, if the transaction does not have it yet; by the primary keys of the names and the index on the
-- receivers' type.
UPDATE signals_counter
SET signal = CASE WHEN ?4 = (
            SELECT count(*)
            FROM json_each(?3) AS j
            CROSS JOIN signals_receiver_name AS n ON n.name = j.value
            CROSS JOIN signals_receiver AS r ON r.id = n.receiver
            WHERE r.merged IS NULL AND r.type = (SELECT t.type FROM signals_signal_name AS t WHERE t.name = ?2))
        AND NOT EXISTS (
            SELECT 1 FROM json_each(?5) AS j CROSS JOIN signals_signal_name AS a ON a.name = j.value
            WHERE a.type IS NOT (SELECT t.type FROM signals_signal_name AS t WHERE t.name = ?2))
    THEN signal + ?1 END,
    delivery = delivery + ?1 * (
        SELECT count(*) FROM signals_receiver AS r
        WHERE r.merged IS NULL AND r.retired = 0
          AND r.type = (SELECT t.type FROM signals_signal_name AS t WHERE t.name = ?2))
WHERE one = 1
