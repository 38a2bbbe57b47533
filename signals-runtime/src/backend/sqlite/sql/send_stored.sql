-- T1 in one round: the ?1 signals whose ids send_draw has drawn, for everybody registered for one of the names ?2 and not
-- retired. ?5 is [payload…] in the order of ids; the rest is the same for all.
-- Under the write lock; by the primary key of the names and the index on the receivers' type; appends.
INSERT INTO signals_signal
    (id, name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
SELECT c.signal - ?1 + 1 + j.key, ?6, ?7, j.value,
       (SELECT json_group_array(f.id) FROM (
            SELECT r.id FROM signals_receiver AS r
            WHERE r.merged IS NULL AND r.retired = 0 AND r.type IN (
                SELECT t.type FROM json_each(?2) AS s CROSS JOIN signals_signal_name AS t ON t.name = s.value)
            ORDER BY r.id) AS f),
       ?8, ?9, ?10, ?11, ?12
FROM signals_counter AS c CROSS JOIN json_each(?5) AS j
