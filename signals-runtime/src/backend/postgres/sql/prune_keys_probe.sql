-- T12: when it was $2 microseconds ago, if any idempotency key was used by then. $1: the time, or NULL for the server's. Read
-- only; by index.
SELECT o.until
FROM (SELECT coalesce($1::timestamptz, statement_timestamp()) - $2::bigint * interval '1 microsecond' AS until) AS o
WHERE EXISTS (SELECT FROM signals.send_key AS k WHERE k.sent_at <= o.until)
