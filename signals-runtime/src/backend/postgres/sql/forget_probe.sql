-- T13: when it was $2 microseconds ago, if any signal was sent by then. $1: the time, or NULL for the server's. Read only; by
-- primary key.
SELECT o.until
FROM (SELECT coalesce($1::timestamptz, statement_timestamp()) - $2::bigint * interval '1 microsecond' AS until) AS o
WHERE EXISTS (
    SELECT FROM signals.signal AS s WHERE s.id = (SELECT min(f.id) FROM signals.signal AS f) AND s.sent_at <= o.until)
