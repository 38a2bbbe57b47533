-- I15: receiver $1 is $2 from now on, and so is what became $1 before. Under the registry's lock.
UPDATE signals.receiver SET merged = $2 WHERE id = $1 OR merged = $1
