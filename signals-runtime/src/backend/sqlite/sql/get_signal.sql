-- The signal ?1: its own row, or the copy that its settled delivery for receiver ?2 carries. Read only; by primary key.
SELECT name, version, payload, correlation, causation, traceparent, build, sent_at FROM signals_signal WHERE id = ?1
UNION ALL
SELECT name, version, payload, correlation, causation, traceparent, build, sent_at FROM signals_settled
WHERE signal = ?1 AND receiver = ?2 AND payload IS NOT NULL
LIMIT 1
