-- For tests: the one delivery of signal ?3 in lane (?1, ?2), ready or running, as claim_select answers it; nothing of a
-- receiver that is paused. Under the write lock; walks the lane by primary key, which in a test is short.
SELECT json_group_array(json_array(
           d.id, d.signal, d.life, d.attempt, d.lost_leases, d.refunds, d.token, octet_length(s.payload)))
FROM signals_delivery AS d
CROSS JOIN signals_signal AS s ON s.id = d.signal
WHERE d.receiver = ?1 AND d.version = ?2 AND d.signal = ?3
  AND (SELECT r.paused FROM signals_receiver AS r WHERE r.id = ?1) = 0
