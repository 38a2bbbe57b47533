-- When the next delivery is due, and whether it is now. $1: the time, or NULL for the server's. Read only; by index.
SELECT l.due_at, l.due_at <= coalesce($1::timestamptz, statement_timestamp())
FROM signals.later AS l ORDER BY l.due_at LIMIT 1
