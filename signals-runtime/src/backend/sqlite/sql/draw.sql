-- Draws ?1 ids for deliveries and returns the last. Under the write lock.
UPDATE signals_counter SET delivery = delivery + ?1 WHERE one = 1 RETURNING delivery
