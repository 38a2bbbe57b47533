-- W21: a mark that only the transaction it was set in has; it ends with it. And how that transaction is isolated.
SELECT pg_catalog.current_setting('transaction_isolation'), pg_catalog.set_config('signals.receiver', 'runs', true)
