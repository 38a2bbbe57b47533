-- Changes when another connection has committed; takes no lock.
PRAGMA data_version
