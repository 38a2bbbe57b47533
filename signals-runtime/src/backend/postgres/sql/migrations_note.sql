-- Notes that a migration was applied, in the transaction that applied it. Under the migrators' lock.
INSERT INTO signals.migration (number, name, additive, applied_at)
VALUES ($2, $3, $4, coalesce($1, statement_timestamp()))
