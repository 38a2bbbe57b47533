-- T1: what idempotency keys $1 were used for. After `send_with` met them, in the sender's transaction; by primary key.
SELECT k.key, k.name, k.payload_hash, k.signal, k.deliveries
FROM signals.send_key AS k
WHERE k.key OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])
