-- T12: whether any idempotency key was used by ?1. Read only; by index.
SELECT EXISTS (SELECT 1 FROM signals_send_key WHERE sent_at <= ?1)
