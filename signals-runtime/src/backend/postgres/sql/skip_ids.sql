-- Passes over the next $1 ids of signals and of deliveries. Needs the rights of a migrator.
SELECT setval('signals.signal_id_seq', nextval('signals.signal_id_seq') + $1::bigint),
       setval('signals.delivery_id_seq', nextval('signals.delivery_id_seq') + $1::bigint)
