-- One registration at a time: locks the one row until the transaction ends.
SELECT last_type, last_receiver FROM signals.registry FOR UPDATE
