-- T10: settles rows ?1, [[receiver, version, id]…], as ?2 for reason ?3 by ?4, as of ?5, whoever runs them; end_remove takes
-- them away after it. Under the write lock; by primary key.
INSERT INTO signals_settled
    (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, ran, settled_at,
     name, sent_at, payload, correlation, causation, traceparent, build, fanout)
SELECT d.signal, d.receiver, d.version, d.life, d.attempt, d.lost_leases, d.refunds, ?2, ?3, ?4, NULL, ?5,
       s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
FROM json_each(?1) AS j
CROSS JOIN signals_delivery AS d ON d.receiver = j.value ->> 0 AND d.version = j.value ->> 1 AND d.id = j.value ->> 2
CROSS JOIN signals_signal AS s ON s.id = d.signal
