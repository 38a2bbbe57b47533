-- T13: forgets at most ?2 signals sent by ?1 that no delivery refers to. Under the write lock; walks the old signals by
-- id and stops at the first younger one; scans what is pending once.
DELETE FROM signals_signal
WHERE id IN (
    SELECT s.id FROM signals_signal AS s
    WHERE s.id < coalesce(
            (SELECT y.id FROM signals_signal AS y WHERE y.sent_at > ?1 ORDER BY y.id LIMIT 1), 9223372036854775807)
      AND s.id NOT IN (SELECT d.signal FROM signals_delivery AS d)
      AND s.id NOT IN (SELECT l.signal FROM signals_later AS l)
    ORDER BY s.id LIMIT ?2)
