-- T12: forgets at most ?2 idempotency keys that were used by ?1. Under the write lock; by index.
DELETE FROM signals_send_key
WHERE key IN (SELECT key FROM signals_send_key WHERE sent_at <= ?1 ORDER BY sent_at LIMIT +?2)
