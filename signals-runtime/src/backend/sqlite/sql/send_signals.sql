-- T1: the signals. ?1 is [[id, name, version, payload, fanout]…] in the order of ids; the rest is the same for all.
-- Under the write lock; appends.
INSERT INTO signals_signal
    (id, name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2, j.value ->> 3, j.value ->> 4, ?2, ?3, ?4, ?5, ?6
FROM jsonb_each(?1) AS j
