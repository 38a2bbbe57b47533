-- The migrator's own table. Under the write lock.
CREATE TABLE IF NOT EXISTS signals_migration (
    number     INTEGER PRIMARY KEY,
    name       TEXT NOT NULL,
    additive   INTEGER NOT NULL CHECK (additive IN (0, 1)),
    applied_at INTEGER NOT NULL
) STRICT
