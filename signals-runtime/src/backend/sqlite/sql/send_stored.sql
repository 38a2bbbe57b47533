-- T1 in one round: the ?1 signals named ?2 whose ids send_draw has drawn, for everybody registered for their type and not
-- retired. ?6 is [payload…] in the order of ids; the rest is the same for all.
-- Under the write lock; by the primary key of the names and the index on the receivers' type, which has them in the order of
-- their ids: an ORDER BY would sort them again; appends.
INSERT INTO signals_signal
    (id, name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
SELECT c.signal - ?1 + 1 + j.key, ?2, ?7, j.value,
       (SELECT json_group_array(r.id) FROM signals_receiver AS r
        WHERE r.merged IS NULL AND r.retired = 0
          AND r.type = (SELECT t.type FROM signals_signal_name AS t WHERE t.name = ?2)),
       ?8, ?9, ?10, ?11, ?12
FROM signals_counter AS c CROSS JOIN json_each(?6) AS j
WHERE c.one = 1
