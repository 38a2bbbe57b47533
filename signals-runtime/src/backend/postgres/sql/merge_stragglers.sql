-- I15: which receivers still have something though another took over: what was on its way when they were merged. Read only;
-- one step by the lane indexes for each receiver that was merged: in their order, or the first one of any index that names the
-- receiver would be looked for, all over it where there is none.
SELECT r.id, r.merged
FROM signals.receiver AS r
WHERE r.merged IS NOT NULL
  AND coalesce(
        (SELECT d.receiver FROM signals.delivery AS d WHERE d.receiver = r.id ORDER BY d.version, d.id LIMIT 1),
        (SELECT l.receiver FROM signals.later AS l WHERE l.receiver = r.id ORDER BY l.version, l.due_at LIMIT 1)
      ) IS NOT NULL
