-- T2, without the write lock: which of the lanes in ?1, [[receiver, version]…], hold anything to claim. ?2: steal what
-- expired by ?3; ?4: suspects too, which are those that would run with ?5 lost leases or more; ?6 of them are too many.
-- By primary key from the bottom of each lane, past what is running there; suspects by their own small index.
SELECT j.key
FROM jsonb_each(?1) AS j
CROSS JOIN signals_receiver AS r ON r.id = j.value ->> 0
WHERE r.paused = 0
  AND (EXISTS (
        SELECT 1 FROM signals_delivery AS d
        WHERE d.receiver = j.value ->> 0 AND d.version = j.value ->> 1
          AND ((d.token IS NULL AND d.lost_leases < ?5)
               OR (?2 AND d.lease_until <= ?3 AND d.lost_leases + 1 < ?5)))
    OR EXISTS (
        SELECT 1 FROM signals_delivery AS d INDEXED BY signals_delivery_suspect
        WHERE d.receiver = j.value ->> 0 AND d.version = j.value ->> 1 AND d.lost_leases > 0
          AND ((?4 AND d.token IS NULL AND d.lost_leases >= ?5)
               OR (?2 AND d.lease_until <= ?3
                   AND (d.lost_leases + 1 >= ?6 OR (?4 AND d.lost_leases + 1 >= ?5))))))
ORDER BY j.key
