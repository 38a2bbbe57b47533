-- T13: whether `forget` would find anything that was sent by ?1. Read only, without the write lock; walks and scans as
-- that does, and stops at the first.
SELECT EXISTS (
    SELECT s.id FROM signals_signal AS s
    WHERE s.id < coalesce(
            (SELECT y.id FROM signals_signal AS y WHERE y.sent_at > ?1 ORDER BY y.id LIMIT 1), 9223372036854775807)
      AND s.id NOT IN (SELECT d.signal FROM signals_delivery AS d)
      AND s.id NOT IN (SELECT l.signal FROM signals_later AS l)
    ORDER BY s.id LIMIT 1)
