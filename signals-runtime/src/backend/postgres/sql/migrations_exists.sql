-- Whether the migrator's own table is there. Read only; a name is looked up.
SELECT to_regclass('signals.migration') IS NOT NULL
