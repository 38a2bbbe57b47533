-- T4, T5, T7, T9, T10: settles what ?1 names and the tokens match, as of ?2; the rows are removed after it in the same
-- transaction. ?1 is [[receiver, version, id, signal, life, token, outcome, reason, actor, ran]…].
-- Under the write lock; by primary key.
INSERT INTO signals_settled
    (signal, receiver, version, life, attempt, lost_leases, refunds, outcome, reason, actor, ran, settled_at,
     name, sent_at, payload, correlation, causation, traceparent, build, fanout)
SELECT d.signal, d.receiver, d.version, d.life, d.attempt,
       d.lost_leases + (j.value ->> 7 IS 'crashed'), d.refunds,
       j.value ->> 6, j.value ->> 7, coalesce(j.value ->> 8, d.actor), j.value ->> 9, ?2, s.name, s.sent_at,
       CASE WHEN j.value ->> 6 = 'done' THEN NULL ELSE s.payload END, s.correlation, s.causation, s.traceparent, s.build,
       CASE WHEN j.value ->> 6 = 'done' THEN NULL ELSE s.fanout END
FROM jsonb_each(?1) AS j
CROSS JOIN signals_delivery AS d
    ON d.receiver = j.value ->> 0 AND d.version = j.value ->> 1 AND d.id = j.value ->> 2
   AND d.signal = j.value ->> 3 AND d.life = j.value ->> 4 AND d.token = j.value ->> 5
CROSS JOIN signals_signal AS s ON s.id = d.signal
