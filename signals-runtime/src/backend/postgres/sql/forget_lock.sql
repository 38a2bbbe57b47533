-- T13: at most $2 signals sent by $1 that no delivery refers to, in one snapshot. Locks them, past what others hold; walks
-- the old signals by id and stops at the first younger one; scans what is pending once.
SELECT s.id
FROM signals.signal AS s
WHERE s.id < coalesce(
        (SELECT y.id FROM signals.signal AS y WHERE y.sent_at > $1::timestamptz ORDER BY y.id LIMIT 1), 9223372036854775807)
  AND NOT EXISTS (SELECT FROM signals.delivery AS d WHERE d.signal = s.id)
  AND NOT EXISTS (SELECT FROM signals.later AS l WHERE l.signal = s.id)
ORDER BY s.id
LIMIT $2::bigint
FOR UPDATE OF s SKIP LOCKED
