-- Notes that worker ?1 stopped at ?2. By primary key.
UPDATE signals_worker SET stopped = ?2 WHERE incarnation = ?1
