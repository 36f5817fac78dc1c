//! Contestants that take turns at the same work.

use std::{array, thread, time::Duration};

use anyhow::Result;
use ferryport_tests::servers::Server;

use crate::{
    measure::{Cost, Who, measured, median},
    workload::{self, Files},
};

/// Between two runs: for 0.4 s after a session has ended `ProFTPD` accepts no other.
const QUIET: Duration = Duration::from_secs(1);

/// A program that uploads.
pub(crate) struct Contestant<'a> {
    name: &'static str,
    who: Who,
    upload: Upload<'a>,
}

type Upload<'a> = Box<dyn Fn(&Server, &Files) -> Result<()> + 'a>;

/// The median of all runs, or the text of the first failure.
pub(crate) type Outcome = Result<Cost, String>;

impl<'a> Contestant<'a> {
    pub(crate) fn us(
        name: &'static str,
        upload: impl Fn(&Server, &Files) -> Result<()> + 'a,
    ) -> Self {
        Self { name, who: Who::Us, upload: Box::new(upload) }
    }

    pub(crate) fn program(
        name: &'static str,
        upload: impl Fn(&Server, &Files) -> Result<()> + 'a,
    ) -> Self {
        Self { name, who: Who::Child, upload: Box::new(upload) }
    }

    fn run(&self, server: &Server, files: &Files) -> Outcome {
        let run = || {
            workload::clear(server)?;
            thread::sleep(QUIET);
            let cost = measured(self.who, || (self.upload)(server, files))?;
            files.check(server)?;
            Ok(cost)
        };
        let outcome = run().map_err(|error: anyhow::Error| format!("{error:#}"));
        let name = server.kind().name();
        match &outcome {
            Ok(cost) => eprintln!("{name}, {}: {:.2} s", self.name, cost.seconds),
            Err(failure) => eprintln!("{name}, {}: failed: {failure}", self.name),
        }
        outcome
    }
}

/// Runs all contestants once, then all again: a disturbance of the machine affects all of them.
pub(crate) fn take_turns<const N: usize>(
    contestants: &[Contestant<'_>; N],
    server: &Server,
    files: &Files,
    runs: u32,
) -> [Outcome; N] {
    let mut outcomes = array::from_fn(|_| Vec::new());
    for _ in 0..runs {
        for (contestant, outcomes) in contestants.iter().zip(&mut outcomes) {
            // Who failed is out: the next run would hang as long as the last.
            if outcomes.iter().all(Outcome::is_ok) {
                outcomes.push(contestant.run(server, files));
            }
        }
    }
    outcomes.map(|outcomes| middle(&outcomes.into_iter().collect::<Result<Vec<_>, _>>()?))
}

fn middle(costs: &[Cost]) -> Outcome {
    let figure = |of: fn(&Cost) -> f64| median(costs.iter().map(of)).ok_or("there was no run");
    Ok(Cost {
        seconds: figure(|cost| cost.seconds)?,
        cpu_seconds: figure(|cost| cost.cpu_seconds)?,
    })
}

/// What failed, one line each.
pub(crate) fn failures<'a, 'b: 'a>(
    contestants: impl IntoIterator<Item = &'a Contestant<'b>>,
    server: &Server,
    outcomes: impl IntoIterator<Item = &'a Outcome>,
) -> Vec<String> {
    let line = |(contestant, outcome): (&Contestant<'_>, &Outcome)| {
        let failure = outcome.as_ref().err()?;
        Some(format!("{}, {}: {failure}", server.kind().name(), contestant.name))
    };
    contestants.into_iter().zip(outcomes).filter_map(line).collect()
}

/// A figure, or that there is none.
pub(crate) fn cell(outcome: &Outcome, figure: impl Fn(Cost) -> String) -> String {
    outcome.as_ref().map_or("failed".to_owned(), |cost| figure(*cost))
}

/// A figure that there is an aim for.
pub(crate) fn with_aim(figure: Option<f64>, is_reached: impl Fn(f64) -> bool) -> String {
    match figure {
        Some(figure) if is_reached(figure) => format!("{figure:.2}"),
        Some(figure) => format!("{figure:.2} (missed)"),
        None => "none".to_owned(),
    }
}

pub(crate) fn seconds(outcome: &Outcome) -> Option<f64> {
    outcome.as_ref().ok().map(|cost| cost.seconds)
}

/// The words of a table's head.
pub(crate) fn header<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}
