-- The signal $1: its own row, or the copy that its settled delivery for receiver $2 carries. Read only; by primary key.
(SELECT s.name, s.version, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.sent_at
 FROM signals.signal AS s WHERE s.id = $1::bigint)
UNION ALL
(SELECT t.name, t.version, t.payload, t.correlation, t.causation, t.traceparent, t.build, t.sent_at
 FROM signals.settled AS t WHERE t.signal = $1::bigint AND t.receiver = $2::bigint AND t.payload IS NOT NULL)
LIMIT 1
