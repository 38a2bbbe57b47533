-- T12: whether any idempotency key was used by $1. Read only; by index.
SELECT EXISTS (SELECT FROM signals.send_key AS k WHERE k.sent_at <= $1::timestamptz)
