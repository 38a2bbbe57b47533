-- Notes that a migration was applied, in the transaction that applied it. Under the write lock.
INSERT INTO signals_migration (number, name, additive, applied_at) VALUES (?1, ?2, ?3, ?4)
