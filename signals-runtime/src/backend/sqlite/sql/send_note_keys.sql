-- T1: remembers idempotency keys. ?1 is [[key, name, hash in hexadecimal, signal, deliveries]…]. Under the write lock.
INSERT INTO signals_send_key (key, name, payload_hash, signal, deliveries, sent_at)
SELECT j.value ->> 0, j.value ->> 1, unhex(j.value ->> 2), j.value ->> 3, j.value ->> 4, ?2
FROM jsonb_each(?1) AS j
