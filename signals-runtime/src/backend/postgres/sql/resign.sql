-- Notes that worker $2 stopped. $1: the time, or NULL for the server's. By primary key.
UPDATE signals.worker SET stopped = coalesce($1::timestamptz, statement_timestamp()) WHERE incarnation = $2
