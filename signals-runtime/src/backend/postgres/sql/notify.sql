-- D2: a hint to other processes, after the commit and at most one in 5 ms: it takes a lock of the whole instance.
SELECT pg_catalog.pg_notify('signals', '')
