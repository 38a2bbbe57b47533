-- All names of signals. Small.
SELECT name, type FROM signals_signal_name
