-- T10: takes away row (?1, ?2, ?3), whoever runs it. Under the write lock, after settle; by primary key.
DELETE FROM signals_delivery WHERE receiver = ?1 AND version = ?2 AND id = ?3
