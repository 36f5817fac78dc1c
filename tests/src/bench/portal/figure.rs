//! A row of a table, with its aim and what bounds it.

use crate::{report::Table, watch::Usages};

/// What is to be reached.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aim {
    /// Ours by the peer's, where more is better.
    RatioAtLeast(f64),
    /// Ours by the peer's, where less is better.
    RatioAtMost(f64),
    /// Ours, whatever the peer's.
    AtMost(f64),
}

/// One figure, ours and a peer's.
pub(super) struct Figure {
    pub(super) what: String,
    pub(super) ours: Option<f64>,
    /// The quantity, with its unit.
    pub(super) peer: Option<(&'static str, f64)>,
    pub(super) aim: Aim,
    /// What bounds it.
    pub(super) bound: String,
}

/// A table of figures.
pub(super) fn table(title: &'static str, about: String, figures: &[Figure]) -> Table {
    let header = ["what", "Ferryport", "peer", "ratio", "aim", "reached", "what bounds it"];
    Table {
        title,
        about,
        header: header.map(str::to_owned).to_vec(),
        rows: figures.iter().map(Figure::row).collect(),
        notes: Vec::new(),
    }
}

/// The run that took the middle of all times.
pub(super) fn middle(mut runs: Vec<Usages>) -> Option<Usages> {
    runs.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle)
}

impl Figure {
    fn row(&self) -> Vec<String> {
        let ratio = self.ours.zip(self.peer).map(|(ours, (_, peer))| ours / peer);
        let number = |number: f64| match number {
            number if number >= 100.0 => format!("{number:.0}"),
            number => format!("{number:.2}"),
        };
        let or_none = |value: Option<f64>| value.map_or("none".to_owned(), number);
        let peer = self
            .peer
            .map_or("none".to_owned(), |(name, peer)| format!("{} ({name})", number(peer)));
        let (aim, reached) = match self.aim {
            Aim::RatioAtLeast(aim) => {
                (format!("ratio ≥ {aim}"), ratio.is_some_and(|ratio| ratio >= aim))
            }
            Aim::RatioAtMost(aim) => {
                (format!("ratio ≤ {aim}"), ratio.is_some_and(|ratio| ratio <= aim))
            }
            Aim::AtMost(aim) => (format!("≤ {aim}"), self.ours.is_some_and(|ours| ours <= aim)),
        };
        let reached = if reached { "yes" } else { "**no**" };
        vec![
            self.what.clone(),
            or_none(self.ours),
            peer,
            or_none(ratio),
            aim,
            reached.to_owned(),
            self.bound.clone(),
        ]
    }
}
