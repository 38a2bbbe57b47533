-- All names of receivers. Small.
SELECT name, receiver FROM signals.receiver_name
