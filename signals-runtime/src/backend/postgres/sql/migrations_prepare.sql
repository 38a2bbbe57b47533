-- The migrator's own table. Under the migrators' lock.
CREATE TABLE IF NOT EXISTS signals.migration (
    number     bigint PRIMARY KEY,
    name       text NOT NULL,
    additive   boolean NOT NULL,
    applied_at timestamptz NOT NULL
)
