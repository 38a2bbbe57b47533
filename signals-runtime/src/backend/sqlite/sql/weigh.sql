-- The bytes of the payloads of signals ?1, a JSON array, wherever they are. Read only; by primary key, and no payload is
-- read for it.
SELECT j.value, max(
    coalesce((SELECT octet_length(s.payload) FROM signals_signal AS s WHERE s.id = j.value), 0),
    coalesce((SELECT max(octet_length(t.payload)) FROM signals_settled AS t WHERE t.signal = j.value), 0))
FROM json_each(?1) AS j
