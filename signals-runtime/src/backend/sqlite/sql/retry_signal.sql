-- T11: puts the signal of a settled delivery (?1, ?2) back under its id, if it was forgotten. Under the write lock.
INSERT INTO signals_signal
    (id, name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
SELECT signal, name, version, payload, fanout, correlation, causation, traceparent, build, sent_at
FROM signals_settled WHERE signal = ?1 AND receiver = ?2
ON CONFLICT (id) DO NOTHING
