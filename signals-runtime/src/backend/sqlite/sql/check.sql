-- What the guarantees need of a connection: version, journal, durability, patience, file. Reads nothing of ours.
SELECT sqlite_version(),
       (SELECT journal_mode FROM pragma_journal_mode),
       (SELECT synchronous FROM pragma_synchronous),
       (SELECT timeout FROM pragma_busy_timeout),
       (SELECT locking_mode FROM pragma_locking_mode),
       coalesce((SELECT file FROM pragma_database_list WHERE name = 'main'), '')
