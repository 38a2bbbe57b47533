-- T12: forgets at most ?4 deliveries of lane (?1, ?2) that were settled as ?3 by ?5. Under the write lock; by index.
DELETE FROM signals_settled
WHERE (signal, receiver) IN (
    SELECT signal, receiver FROM signals_settled
    WHERE receiver = ?1 AND version = ?2 AND outcome = ?3 AND settled_at <= ?5
    ORDER BY settled_at LIMIT +?4)
RETURNING signal, receiver
