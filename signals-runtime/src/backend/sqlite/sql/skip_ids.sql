-- Passes over the next ?1 ids of signals and of deliveries. Under the write lock; one row.
UPDATE signals_counter SET signal = signal + ?1, delivery = delivery + ?1 WHERE one = 1
