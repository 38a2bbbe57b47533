-- T1, first of all: takes the write lock, if the transaction does not have it yet, and draws ?1 ids for signals.
UPDATE signals_counter SET signal = signal + ?1 WHERE one = 1 RETURNING signal
