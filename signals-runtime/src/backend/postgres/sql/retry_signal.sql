-- T11: puts the signals of settled deliveries ($1 signals, $2 receivers) back under their ids where they were forgotten, and
-- holds on to those that are there: an update of nothing, so that `forget` passes them by, and finds them referred to after
-- it. In the order of ids; by primary key.
INSERT INTO signals.signal
    (id, name, version, payload, fanout, correlation, causation, traceparent, build, sent_at)
SELECT DISTINCT ON (t.signal)
       t.signal, t.name, t.version, t.payload, t.fanout, t.correlation, t.causation, t.traceparent, t.build, t.sent_at
FROM unnest($1::bigint[], $2::bigint[]) AS k (signal, receiver)
JOIN signals.settled AS t ON t.signal = k.signal AND t.receiver = k.receiver
WHERE t.payload IS NOT NULL
ORDER BY t.signal
ON CONFLICT (id) DO UPDATE SET sent_at = signal.sent_at
