-- One registration at a time: locks the one row until the transaction ends.
SELECT FROM signals.registry FOR UPDATE
