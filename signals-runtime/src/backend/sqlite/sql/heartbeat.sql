-- Notes that worker ?1 was alive at ?3 and knows the lanes ?2. By primary key.
UPDATE signals_worker SET lanes = ?2, seen = max(seen, ?3), stopped = NULL WHERE incarnation = ?1
