-- ?2 more deliveries for line ?1 of the log of actions. Under the write lock; by primary key.
UPDATE signals_action SET count = count + ?2 WHERE id = ?1 RETURNING id
