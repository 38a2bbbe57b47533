-- All names of signals. Small.
SELECT name, type FROM signals.signal_name
