-- For tests: the signals whose id is higher than $1. Read only; by primary key.
SELECT s.id, s.name, s.version, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.sent_at
FROM signals.signal AS s WHERE s.id > $1::bigint ORDER BY s.id
