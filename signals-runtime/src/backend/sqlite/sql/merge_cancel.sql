-- I15: of two deliveries of one signal, that of the alias ?1 is cancelled as of ?3; ?2 has the other. Under the write
-- lock; scans the lanes of both. The rows are removed after it.
INSERT INTO signals_settled
    (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, ran, settled_at,
     name, sent_at, payload, correlation, causation, traceparent, build, fanout)
SELECT p.signal, ?1, p.version, p.life, p.attempt, p.lost_leases, p.refunds, 'cancelled', 'merged', 'merged', NULL, ?3,
       s.name, s.sent_at, s.payload, s.correlation, s.causation, s.traceparent, s.build, s.fanout
FROM (
    SELECT signal, version, life, attempt, lost_leases, refunds FROM signals_delivery WHERE receiver = ?1
    UNION ALL
    SELECT signal, version, life, attempt, lost_leases, refunds FROM signals_later WHERE receiver = ?1
) AS p
CROSS JOIN signals_signal AS s ON s.id = p.signal
WHERE p.signal IN (
    SELECT signal FROM signals_delivery WHERE receiver = ?2
    UNION ALL SELECT signal FROM signals_later WHERE receiver = ?2
    UNION ALL SELECT signal FROM signals_settled WHERE receiver = ?2)
