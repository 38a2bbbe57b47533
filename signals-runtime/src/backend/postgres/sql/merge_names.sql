-- I15: the names of receiver $1 go to $2. Under the registry's lock; by index.
UPDATE signals.receiver_name SET receiver = $2 WHERE receiver = $1
