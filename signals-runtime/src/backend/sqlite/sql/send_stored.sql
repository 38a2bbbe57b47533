-- T1 in one round: the ?1 signals whose ids send_draw has drawn, for everybody registered for their type and not retired.
-- ?2 is [name or alias…] of the type, ?4 [payload…] in the order of ids; the rest is the same for all.
-- Under the write lock; by the primary key of the names and the index on the receivers' type; appends.
INSERT INTO signals_signal
    (id, name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
SELECT c.signal - ?1 + 1 + j.key, ?5, ?6, j.value,
       (SELECT json_group_array(r.id ORDER BY r.id) FROM signals_receiver AS r
        WHERE r.merged IS NULL AND r.retired = 0 AND r.type = (
            SELECT max(t.type) FROM json_each(?2) AS s CROSS JOIN signals_signal_name AS t ON t.name = s.value)),
       ?7, ?8, ?9, ?10, ?11
FROM signals_counter AS c CROSS JOIN json_each(?4) AS j
WHERE c.one = 1
