-- All names of receivers. Small.
SELECT name, receiver FROM signals_receiver_name
