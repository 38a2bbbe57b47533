-- Deliveries in one SQLite file. Times are microseconds since 1970, tokens the 64 bits as a signed integer.
-- No foreign keys between hot tables, and no index that a send has to maintain beside the primary keys.

-- The identity that a signal keeps through renames; `name` is the one it was last registered under.
CREATE TABLE signals_signal_type (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL
) STRICT;

CREATE TABLE signals_signal_name (
    name    TEXT NOT NULL PRIMARY KEY,
    type    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `merged`: all names of this receiver went to that one; what is left under its own id is history.
CREATE TABLE signals_receiver (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL,
    type    INTEGER NOT NULL,
    paused  INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
    retired INTEGER NOT NULL DEFAULT 0 CHECK (retired IN (0, 1)),
    merged  INTEGER CHECK (merged <> id)
) STRICT;

CREATE INDEX signals_receiver_type ON signals_receiver (type);

CREATE TABLE signals_receiver_name (
    name     TEXT NOT NULL PRIMARY KEY,
    receiver INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX signals_receiver_name_receiver ON signals_receiver_name (receiver);

-- The ids drawn last. One row, written under the write lock, so no two committed rows ever have the
-- same id; one drawn by a transaction that rolls back is drawn again.
CREATE TABLE signals_counter (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    signal   INTEGER NOT NULL CHECK (signal >= 0),
    delivery INTEGER NOT NULL CHECK (delivery >= 0)
) STRICT;

INSERT INTO signals_counter (one, signal, delivery) VALUES (1, 0, 0);

-- Insert-only: the payload once, byte for byte as sent. `fanout` is the JSON array of the receivers addressed.
CREATE TABLE signals_signal (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    version     INTEGER NOT NULL CHECK (version BETWEEN 0 AND 4294967295),
    payload     TEXT NOT NULL,
    correlation INTEGER,
    causation   INTEGER,
    traceparent TEXT,
    build       TEXT,
    fanout      TEXT NOT NULL,
    sent_at     INTEGER NOT NULL
) STRICT;

-- Only what is ready (no token) or running, and only the primary key: claim order, lane and fairness in one.
CREATE TABLE signals_delivery (
    receiver    INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    id          INTEGER NOT NULL,
    signal      INTEGER NOT NULL,
    life        INTEGER NOT NULL CHECK (life >= 0),
    attempt     INTEGER NOT NULL CHECK (attempt >= 0),
    lost_leases INTEGER NOT NULL CHECK (lost_leases BETWEEN 0 AND 4),
    refunds     INTEGER NOT NULL CHECK (refunds BETWEEN 0 AND 100),
    token       INTEGER,
    lease_until INTEGER,
    actor       TEXT,
    PRIMARY KEY (receiver, version, id),
    CHECK ((token IS NULL) = (lease_until IS NULL))
) STRICT, WITHOUT ROWID;

-- Empty in normal running: what has lost a lease before, so that a suspect is found without walking the lane.
CREATE INDEX signals_delivery_suspect ON signals_delivery (receiver, version, id) WHERE lost_leases > 0;

-- Ready, but not before `due_at`: delayed, retrying, snoozed.
CREATE TABLE signals_later (
    signal      INTEGER NOT NULL,
    receiver    INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    life        INTEGER NOT NULL CHECK (life >= 0),
    attempt     INTEGER NOT NULL CHECK (attempt >= 0),
    lost_leases INTEGER NOT NULL CHECK (lost_leases BETWEEN 0 AND 4),
    refunds     INTEGER NOT NULL CHECK (refunds BETWEEN 0 AND 100),
    actor       TEXT,
    PRIMARY KEY (signal, receiver)
) STRICT, WITHOUT ROWID;

CREATE INDEX signals_later_due ON signals_later (due_at);
CREATE INDEX signals_later_lane ON signals_later (receiver, version, due_at);

-- Dead letters, cancellations, and completions while history is on. The dead and the cancelled carry what is needed to
-- put their signal back, so they pin nothing.
CREATE TABLE signals_settled (
    signal      INTEGER NOT NULL,
    receiver    INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    life        INTEGER NOT NULL,
    attempt     INTEGER NOT NULL,
    lost_leases INTEGER NOT NULL,
    refunds     INTEGER NOT NULL,
    outcome     TEXT NOT NULL CHECK (outcome IN ('done', 'dead', 'cancelled')),
    reason      TEXT,
    actor       TEXT,
    ran         INTEGER,
    settled_at  INTEGER NOT NULL,
    name        TEXT NOT NULL,
    sent_at     INTEGER NOT NULL,
    payload     TEXT,
    correlation INTEGER,
    causation   INTEGER,
    traceparent TEXT,
    build       TEXT,
    fanout      TEXT,
    PRIMARY KEY (signal, receiver),
    CHECK ((outcome = 'done') = (payload IS NULL)),
    CHECK ((payload IS NULL) = (fanout IS NULL)),
    CHECK (outcome <> 'dead' OR reason IS NOT NULL),
    CHECK (outcome <> 'cancelled' OR actor IS NOT NULL)
) STRICT, WITHOUT ROWID;

-- What prune and the counts walk.
CREATE INDEX signals_settled_lane ON signals_settled (receiver, version, outcome, settled_at);

-- One row for each failed attempt and each lost lease.
CREATE TABLE signals_attempt (
    id       INTEGER PRIMARY KEY,
    signal   INTEGER NOT NULL,
    receiver INTEGER NOT NULL,
    life     INTEGER NOT NULL,
    attempt  INTEGER NOT NULL,
    outcome  TEXT NOT NULL,
    error    TEXT NOT NULL,
    worker   INTEGER NOT NULL CHECK (worker BETWEEN 0 AND 4294967295),
    ended_at INTEGER NOT NULL,
    ran      INTEGER
) STRICT;

CREATE INDEX signals_attempt_delivery ON signals_attempt (signal, receiver);

-- Idempotency keys: `payload_hash` is SHA-256, so that a key outlives its signal.
CREATE TABLE signals_send_key (
    key          TEXT NOT NULL PRIMARY KEY,
    name         TEXT NOT NULL,
    payload_hash BLOB NOT NULL CHECK (length(payload_hash) = 32),
    signal       INTEGER NOT NULL,
    deliveries   INTEGER NOT NULL,
    sent_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX signals_send_key_age ON signals_send_key (sent_at);

-- Never deleted: an incarnation drawn twice would break the fence.
CREATE TABLE signals_worker (
    incarnation INTEGER PRIMARY KEY CHECK (incarnation BETWEEN 0 AND 4294967295),
    host        TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    build       TEXT NOT NULL,
    lanes       TEXT NOT NULL,
    started     INTEGER NOT NULL,
    seen        INTEGER NOT NULL,
    stopped     INTEGER
) STRICT;

-- Every delivery wherever it is: what list and get read.
CREATE VIEW signals_overview AS
SELECT d.signal, d.receiver, d.version, s.name, CASE WHEN d.token IS NULL THEN 'ready' ELSE 'running' END AS state,
       d.life, d.attempt, d.lost_leases, d.refunds, s.sent_at, NULL AS due_at, d.token, d.lease_until,
       NULL AS settled_at, NULL AS reason, d.actor
FROM signals_delivery AS d JOIN signals_signal AS s ON s.id = d.signal
UNION ALL
SELECT l.signal, l.receiver, l.version, s.name, 'ready',
       l.life, l.attempt, l.lost_leases, l.refunds, s.sent_at, l.due_at, NULL, NULL,
       NULL, NULL, l.actor
FROM signals_later AS l JOIN signals_signal AS s ON s.id = l.signal
UNION ALL
SELECT t.signal, t.receiver, t.version, t.name, t.outcome,
       t.life, t.attempt, t.lost_leases, t.refunds, t.sent_at, NULL, NULL, NULL,
       t.settled_at, t.reason, t.actor
FROM signals_settled AS t;
