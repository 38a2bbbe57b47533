-- For tests: the signals whose id is higher than ?1. Read only; by primary key.
SELECT id, name, version, payload, correlation, causation, traceparent, build, sent_at FROM signals_signal
WHERE id > ?1 ORDER BY id
