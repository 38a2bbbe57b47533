-- S4, W21: fails with "no such savepoint" unless the transaction stands in the place of another.
RELEASE signals_lost
