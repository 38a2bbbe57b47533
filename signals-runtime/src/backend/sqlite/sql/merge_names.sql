-- I15: the names of receiver ?1 go to ?2. Under the write lock; by index.
UPDATE signals_receiver_name SET receiver = ?2 WHERE receiver = ?1
