-- Counts $2 more in line $1 of the log. By primary key.
UPDATE signals.action SET count = count + $2 WHERE id = $1 RETURNING id
