-- The time ($1, or the server's where it is NULL), and when the next delivery is due, of those from $2 on (NULL: of all). Read
-- only; by the index on due times, from there.
SELECT m.now, (
           SELECT l.due_at
           FROM signals.later AS l
           WHERE l.due_at >= coalesce($2::timestamptz, '-infinity')
           ORDER BY l.due_at
           LIMIT 1
       )
FROM (SELECT coalesce($1::timestamptz, statement_timestamp()) AS now) AS m
