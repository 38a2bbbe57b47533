-- The schema. Under the migrators' lock.
CREATE SCHEMA IF NOT EXISTS signals
