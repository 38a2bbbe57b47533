-- T13: whether any signal was sent by ?1. Read only; looks at the oldest one, which is the lowest id.
SELECT EXISTS (SELECT 1 FROM (SELECT sent_at FROM signals_signal ORDER BY id LIMIT 1) WHERE sent_at <= ?1)
