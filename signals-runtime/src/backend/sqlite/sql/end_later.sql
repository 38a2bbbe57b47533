-- T10: settles what waits of ?1, [[signal, receiver]…], as ?2 for reason ?3 by ?4, as of ?5; end_later_remove takes it away
-- after it. Under the write lock; by primary key.
INSERT INTO signals_settled
    (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, ran, settled_at,
     name, sent_at, payload, correlation, causation, traceparent, build, fanout)
SELECT l.signal, l.receiver, l.version, l.life, l.attempt, l.lost_leases, l.refunds, ?2, ?3, ?4, NULL, ?5,
       s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
FROM json_each(?1) AS j
CROSS JOIN signals_later AS l ON l.signal = j.value ->> 0 AND l.receiver = j.value ->> 1
CROSS JOIN signals_signal AS s ON s.id = l.signal
