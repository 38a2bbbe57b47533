-- The highest ids ever used for signals' identities and for receivers. One row.
SELECT last_type, last_receiver FROM signals.registry
