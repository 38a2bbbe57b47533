-- The highest ids ever used for signals' identities and for receivers. Small.
SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'signals_signal_type'), 0),
       coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'signals_receiver'), 0)
