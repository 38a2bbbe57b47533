-- T1 in one round: a delivery for each receiver that the ?1 signals drawn last are addressed to, due at once, under the
-- ids that send_draw has drawn. Under the write lock; walks those signals; appends to each lane.
INSERT INTO signals_delivery (receiver, version, id, signal, life, attempt, lost_leases, refunds)
SELECT f.value, s.version,
       c.delivery - (c.signal - s.id + 1) * json_array_length(s.fanout) + 1 + f.key, s.id, 0, 0, 0, 0
FROM signals_counter AS c
CROSS JOIN signals_signal AS s ON s.id > c.signal - ?1
CROSS JOIN json_each(s.fanout) AS f
WHERE c.one = 1
