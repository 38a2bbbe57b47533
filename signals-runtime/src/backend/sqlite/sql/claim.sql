-- T2 and T9: takes the rows ?3, [id…], of lane (?1, ?2), under token ?4 until ?5. A fresh one counts an attempt, a stolen
-- one a lost lease. Under the write lock, after claim_select; by primary key.
UPDATE signals_delivery
SET attempt = CASE WHEN token IS NULL THEN min(attempt, 2147483646) + 1 ELSE attempt END,
    lost_leases = lost_leases + (token IS NOT NULL), token = ?4, lease_until = ?5
WHERE receiver = +?1 AND version = ?2 AND id IN (SELECT j.value FROM json_each(?3) AS j)
