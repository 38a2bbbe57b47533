-- T11: a new life for the dead or cancelled delivery of signal ?1 for receiver ?2, in the lanes of receiver ?3, under
-- the fresh id ?4, by ?5. Under the write lock; retry_settled takes the old row away.
INSERT INTO signals_delivery (receiver, version, id, signal, life, attempt, lost_leases, refunds, actor)
SELECT ?3, version, ?4, signal, life + 1, 0, 0, 0, ?5
FROM signals_settled WHERE signal = ?1 AND receiver = ?2 AND outcome IN ('dead', 'cancelled')
