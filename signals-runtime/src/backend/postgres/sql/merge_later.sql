-- I15: what waits for receiver $1 goes to $2. Under the registry's lock; by index.
UPDATE signals.later SET receiver = $2 WHERE receiver = $1
