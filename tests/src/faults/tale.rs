//! What can be told, and what it begins on.

use super::{Scene, Soil};

/// What is told. Each fault is made in the one in which its statement is said: a short tale costs a tenth of the story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tale {
    /// The story: who sends, who runs, who prunes.
    Work,
    /// Two builds that register, the second of which merges two receivers.
    Names,
    /// What an operator decides, alone.
    ByHand,
    /// A cancel of more deliveries than one transaction changes.
    CancelAll,
    /// A retry of as many.
    RetryAll,
    /// A prune of as many.
    PruneAll,
    /// An empty database is migrated.
    Migrating,
    /// One that ends at the first migration is brought up to date.
    Upgrading,
}

impl Tale {
    pub(super) const ALL: [Self; 8] = [
        Self::Work,
        Self::Names,
        Self::ByHand,
        Self::CancelAll,
        Self::RetryAll,
        Self::PruneAll,
        Self::Migrating,
        Self::Upgrading,
    ];

    /// What it begins on. The story leaves its receivers, and nothing else; the tales leave more.
    pub(super) fn soil(self) -> Soil {
        match self {
            Self::Work => Soil::Left,
            Self::Names | Self::ByHand | Self::CancelAll | Self::RetryAll | Self::PruneAll => Soil::Untouched,
            Self::Migrating | Self::Upgrading => Soil::Bare,
        }
    }

    /// The only scene of whoever is alone in it.
    pub(super) fn scene(self) -> Option<Scene> {
        match self {
            Self::Work => None,
            Self::Names => Some(Scene::Names),
            Self::ByHand => Some(Scene::ByHand),
            Self::CancelAll => Some(Scene::CancelAll),
            Self::RetryAll => Some(Scene::RetryAll),
            Self::PruneAll => Some(Scene::PruneAll),
            Self::Migrating => Some(Scene::Migrating),
            Self::Upgrading => Some(Scene::Upgrading),
        }
    }
}
