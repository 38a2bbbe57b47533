-- I15: what is ready or running for receiver $1 goes to $2; ids are drawn for all lanes together, so none collide. Under the
-- registry's lock; by primary key.
UPDATE signals.delivery SET receiver = $2 WHERE receiver = $1
