-- T2 and T9: takes the rows ?1, [[receiver, version, id]…], under token ?2 until ?3. A fresh one counts an attempt, a
-- stolen one a lost lease. Under the write lock, after claim_select; by primary key.
UPDATE signals_delivery
SET attempt = attempt + (token IS NULL), lost_leases = lost_leases + (token IS NOT NULL),
    token = ?2, lease_until = ?3
WHERE (receiver, version, id) IN (SELECT j.value ->> 0, j.value ->> 1, j.value ->> 2 FROM json_each(?1) AS j)
