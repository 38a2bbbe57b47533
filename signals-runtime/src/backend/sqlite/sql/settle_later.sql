-- T10: settles the waiting delivery of signal ?1 for receiver ?2 as ?3 for reason ?4 by ?5, as of ?6.
-- Under the write lock; by primary key.
INSERT INTO signals_settled
    (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, ran, settled_at,
     name, sent_at, payload, correlation, causation, traceparent, build, fanout)
SELECT l.signal, l.receiver, l.version, l.life, l.attempt, l.lost_leases, l.refunds, ?3, ?4, ?5, NULL, ?6,
       s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
FROM signals_later AS l CROSS JOIN signals_signal AS s ON s.id = l.signal
WHERE l.signal = ?1 AND l.receiver = ?2
