-- T5 and T6 without a delay: what of ?1 the tokens match goes to the end of its lane; the old rows are removed after it
-- in the same transaction; due since ?3. ?1 is [[receiver, version, id, signal, life, token, new id, refund]…]; at most ?2 refunds in
-- a life. Under the write lock; by primary key.
INSERT INTO signals_delivery (receiver, version, id, signal, life, attempt, lost_leases, refunds, actor, due_at)
SELECT d.receiver, d.version, j.value ->> 6, d.signal, d.life,
       d.attempt - (j.value ->> 7 AND d.refunds < ?2 AND d.attempt > 0), d.lost_leases,
       d.refunds + (j.value ->> 7 AND d.refunds < ?2), d.actor, ?3
FROM jsonb_each(?1) AS j
CROSS JOIN signals_delivery AS d
    ON d.receiver = j.value ->> 0 AND d.version = j.value ->> 1 AND d.id = j.value ->> 2
   AND d.signal = j.value ->> 3 AND d.life = j.value ->> 4 AND d.token = j.value ->> 5
