-- T11: puts the signals of settled deliveries ?1, [[signal, receiver, …]…], back under their ids, where they were forgotten.
-- Under the write lock; by primary key.
INSERT INTO signals_signal
    (id, name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
SELECT t.signal, t.name, t.version, t.payload, t.fanout, t.correlation, t.causation, t.traceparent, t.build, t.sent_at
FROM json_each(?1) AS j
CROSS JOIN signals_settled AS t ON t.signal = j.value ->> 0 AND t.receiver = j.value ->> 1
WHERE t.payload IS NOT NULL
ON CONFLICT (id) DO NOTHING
