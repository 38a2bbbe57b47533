-- A line of the log: $2 did $3 to $4, $5 times. $1: the time, or NULL for the server's. Appends.
INSERT INTO signals.action (at, actor, verb, subject, count)
VALUES (coalesce($1::timestamptz, statement_timestamp()), $2, $3, $4, $5)
RETURNING id
