//! Which rig must notice which break, by which of its tests and in whose words; and which cannot, and why.
//!
//! A rig is added by one entry of [`RIGS`], a break by one variant of [`Break`] and a cell for each rig.

use crate::postgres::Need;

/// What is broken on purpose: the switches of `signals-runtime/src/broken.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Break {
    Fencing,
    Transaction,
    AckBeforeRun,
    FanOutLinkedOnly,
    SkipSweep,
}

impl Break {
    /// Each, in the order of the cells of a rig.
    pub(super) const ALL: [Self; 5] =
        [Self::Fencing, Self::Transaction, Self::AckBeforeRun, Self::FanOutLinkedOnly, Self::SkipSweep];

    /// Its `--cfg`.
    pub(super) const fn cfg(self) -> &'static str {
        match self {
            Self::Fencing => "break_fencing",
            Self::Transaction => "break_transaction",
            Self::AckBeforeRun => "ack_before_run",
            Self::FanOutLinkedOnly => "fan_out_linked_only",
            Self::SkipSweep => "skip_sweep",
        }
    }
}

/// Something that shows promises to be kept.
#[derive(Debug)]
pub(super) struct Rig {
    pub(super) name: &'static str,
    pub(super) run: Run,
    pub(super) needs: Option<Need>,
    pub(super) env: &'static [(&'static str, &'static str)],
    /// Whether `--quick` runs it.
    pub(super) quick: bool,
    /// One for each of [`Break::ALL`].
    pub(super) cells: [Cell; 5],
}

/// How a rig is run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Run {
    /// As a target of the tests in `folder`.
    Tests { folder: &'static str, target: &'static str },
    /// As a program, with these arguments; `FOLDER` is an empty one.
    Program { bin: &'static str, args: &'static [&'static str] },
}

/// What a rig makes of a break.
#[derive(Debug)]
pub(super) enum Cell {
    /// Each of these tests is red, and this is said; a program has no tests.
    Sees { tests: &'static [&'static str], says: &'static str },
    /// It cannot notice, for this reason.
    Blind(&'static str),
}

use Cell::Blind;

const fn sees(tests: &'static [&'static str], says: &'static str) -> Cell {
    Cell::Sees { tests, says }
}

impl Rig {
    const fn tests_of(name: &'static str, folder: &'static str, target: &'static str, cells: [Cell; 5]) -> Self {
        Self { name, run: Run::Tests { folder, target }, needs: None, env: &[], quick: false, cells }
    }

    const fn needs(self, need: Need) -> Self {
        Self { needs: Some(need), ..self }
    }

    /// Compared with the memory backend, which is spared.
    const fn beside_a_sound_model(self) -> Self {
        Self { env: &[("SIGNALS_SOUND_MODEL", "1")], ..self }
    }

    const fn quick(self) -> Self {
        Self { quick: true, ..self }
    }

    /// What it makes of `broken`.
    pub(super) fn cell(&self, broken: Break) -> &Cell {
        &self.cells[broken as usize]
    }

    /// The tests that notice any of `breaks`, each once.
    pub(super) fn tests(&self, breaks: &[Break]) -> Vec<&'static str> {
        let mut tests = Vec::new();
        for &broken in breaks {
            match self.cell(broken) {
                Cell::Sees { tests: more, .. } => tests.extend_from_slice(more),
                Cell::Blind(_) => {}
            }
        }
        tests.sort_unstable();
        tests.dedup();
        tests
    }
}

