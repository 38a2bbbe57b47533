-- T13: forgets signals $1, unless something refers to them by now: who retries a delivery by hand holds its signal's row. After
-- forget_lock, in the same transaction; by primary key, and scans what is pending once.
DELETE FROM signals.signal AS s
WHERE s.id = ANY ($1::bigint[])
  AND NOT EXISTS (SELECT FROM signals.delivery AS d WHERE d.signal = s.id)
  AND NOT EXISTS (SELECT FROM signals.later AS l WHERE l.signal = s.id)
