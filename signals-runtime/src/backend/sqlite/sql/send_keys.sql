-- T1: which of the idempotency keys in the JSON array ?1 were used before. Under the write lock, so that what is absent
-- stays absent; by primary key.
SELECT k.key, k.name, k.payload_hash, k.signal, k.deliveries
FROM json_each(?1) AS j
CROSS JOIN signals_send_key AS k ON k.key = j.value
