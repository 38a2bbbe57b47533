-- One migrator at a time: an advisory lock until the transaction ends. The number means nothing else.
SELECT pg_advisory_xact_lock(7021791816473411)
