//! Tests that are no rigs: what they are about is taken away by no break, or shown to bite in another way.

/// Folder and name of a test, and why it is no rig.
pub(super) type Other = (&'static str, &'static str, &'static str);

/// Tests of processes and servers that are about promises which no break takes away: folder, name, and what they are about. Which of
/// the breaks they could notice all the same, and why that gives them no cells: `docs/decisions/0034-builds-broken-on-purpose.md`.
pub(super) const OTHERS: &[Other] = &[
    ("tests", "allocations", "what a call of a receiver costs"),
    ("tests", "bodies", "decoding and extracting, without a database"),
    ("tests", "linkage", "what the linker collects"),
    ("tests", "linkage_problems", "declarations that contradict each other"),
    ("tests", "operations", "what operators are told to ask"),
    ("tests", "statements", "how many statements a send costs"),
    ("tests", "telling", "what is told through `tracing`, and never told"),
    ("tests", "worker_problems", "workers that cannot work"),
    ("tests", "wrong", "the suite against backends that are wrong above the store: a matrix of its own"),
    (
        "tests/check",
        "rules",
        "the model check: it walks through the table of transitions, which no switch changes, and has flaws of its own, each with \
         its counterexample",
    ),
    ("tests/chaos", "chaos", "a small campaign; the long ones are rigs"),
    ("tests/rig", "crashes", "deliveries that kill their workers, before an early acknowledgement would be stored"),
    ("tests/rig", "footprint", "the memory of a worker"),
    ("tests/rig", "full_disk", "a disk without room"),
    ("tests/rig", "locks", "SQLite's one lock in other hands"),
    ("tests/rig", "readonly", "a file that is not writable"),
    ("tests/rig-postgres", "postgres_bouncer", "the suite once more, behind a pooler"),
    ("tests/rig-postgres", "postgres_clocks", "clocks that are wrong"),
    ("tests/rig-postgres", "postgres_contention", "deadlocks"),
    ("tests/rig-postgres", "postgres_full_disk", "a server without room"),
    ("tests/rig-postgres", "postgres_operations", "what operators are told to ask"),
    ("tests/rig-postgres", "postgres_pools", "poolers, and sessions that listen"),
    ("tests/rig-postgres", "postgres_refusals", "how a server's refusals are told"),
];
