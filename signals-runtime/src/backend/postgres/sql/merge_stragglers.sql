-- I15: which receivers still have something though another took over: what was on its way when they were merged. Read only;
-- one step by the lane indexes for each receiver that was merged.
SELECT r.id, r.merged
FROM signals.receiver AS r
WHERE r.merged IS NOT NULL
  AND (EXISTS (SELECT FROM signals.delivery AS d WHERE d.receiver = r.id)
    OR EXISTS (SELECT FROM signals.later AS l WHERE l.receiver = r.id))
