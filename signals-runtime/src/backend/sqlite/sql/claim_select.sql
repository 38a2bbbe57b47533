-- T2 and T9: what of lane (?1, ?2) can be claimed: at most ?5 that are above suspicion, at most ?6 suspects, and the
-- expired ones that lost too many leases by now. ?3: steal what expired by ?4; ?7 lost leases make a suspect, ?8 are too
-- many; nothing of a receiver that was paused since the lane was looked at. One JSON array of [id, signal, life, attempt, lost_leases, refunds, token, bytes of payload], in any order: sqlx
-- copies every column of every row, and hands each row over by itself.
-- Under the write lock; by primary key from the bottom of the lane, suspects by their own small index.
SELECT json_group_array(json_array(
           d.id, d.signal, d.life, d.attempt, d.lost_leases, d.refunds, d.token, octet_length(s.payload)))
FROM (
    SELECT * FROM (
        SELECT id, signal, life, attempt, lost_leases, refunds, token FROM signals_delivery
        WHERE receiver = +?1 AND version = ?2
          AND ((token IS NULL AND lost_leases < ?7) OR (?3 AND lease_until <= ?4 AND lost_leases + 1 < ?7))
        ORDER BY receiver, version, id LIMIT +?5)
    UNION ALL
    SELECT * FROM (
        SELECT id, signal, life, attempt, lost_leases, refunds, token
        FROM signals_delivery INDEXED BY signals_delivery_suspect
        WHERE receiver = +?1 AND version = ?2 AND lost_leases > 0
          AND ((token IS NULL AND lost_leases >= ?7)
               OR (?3 AND lease_until <= ?4 AND lost_leases + 1 >= ?7 AND lost_leases + 1 < ?8))
        ORDER BY receiver, version, id LIMIT +?6)
    UNION ALL
    SELECT * FROM (
        SELECT id, signal, life, attempt, lost_leases, refunds, token
        FROM signals_delivery INDEXED BY signals_delivery_suspect
        WHERE receiver = +?1 AND version = ?2 AND lost_leases > 0
          AND ?3 AND lease_until <= ?4 AND lost_leases + 1 >= ?8
        ORDER BY receiver, version, id LIMIT 100)
) AS d
CROSS JOIN signals_signal AS s ON s.id = d.signal
WHERE (SELECT r.paused FROM signals_receiver AS r WHERE r.id = ?1) = 0
