//! The result of the uploads, and what the receipt about them holds.

use std::time::Duration;

use crate::join::join;
use crate::{
    connection::facts,
    destination::Destination,
    format,
    queue::{Queue, Totals, Upload, digest_texts, status, totals},
    texts::Text,
    time::{MILLIS_PER_SECOND, millis},
};

/// Returns a sentence: files, bytes, duration, mean rate, and the files that were not stored.
#[must_use]
pub fn sentence(queue: &Queue, took: Duration) -> String {
    let totals = queue.totals();
    stored_text(&totals, took, mean(totals.stored, took))
}

/// The least time with a mean rate: beside a shorter one, which is shown in whole seconds, the rate
/// would look wrong.
const LEAST_TIME_WITH_RATE: Duration = Duration::from_secs(10);

/// Returns the bytes per second; `None` for a time that is too short.
fn mean(bytes: u64, took: Duration) -> Option<u64> {
    if took < LEAST_TIME_WITH_RATE {
        return None;
    }
    let thousandfold = bytes.saturating_mul(MILLIS_PER_SECOND);
    thousandfold.checked_div(millis(took)).filter(|rate| *rate > 0)
}

/// Returns what the receipt holds, for the page's script that writes it (`web/static/receipt.js`):
/// lines of columns, separated by tabs. The first line is the [`sentence`], the second one holds the
/// server and the username. Then each file has a line: path below the folder, folder, bytes, algorithm
/// and digest where there is one, when it was stored (milliseconds since 1970-01-01T00:00:00Z; empty if
/// it was not), status.
#[must_use]
pub fn receipt(queue: &Queue, home: Option<&Destination>, took: Duration) -> String {
    let mut text = sentence(queue, took);
    text.push('\n');
    if let Some(Destination { host, port, username, .. }) = home {
        let server = facts::server(host, *port, "");
        add_columns(&mut text, &[&server, &format::name(username)]);
    }
    for upload in queue.rows().filter_map(|row| queue.get(row)) {
        text.push('\n');
        add_file(&mut text, upload);
    }
    text
}

fn add_columns(text: &mut String, columns: &[&str]) {
    text.push_str(&join(columns, "\t"));
}

fn add_file(text: &mut String, upload: &Upload) {
    let digest = upload.state().stored().and_then(|stored| stored.digest.as_ref());
    let (algorithm, hex) = digest.map_or(("", ""), |digest| {
        (digest_texts::algorithm(digest.algorithm), digest.hex.as_str())
    });
    let stored_at = upload.stored_at().map(|at| at.to_string()).unwrap_or_default();
    let columns = [
        &*format::name(upload.path()),
        &*format::name(upload.directory()),
        &*upload.size().to_string(),
        algorithm,
        &*format::visible(hex),
        &*stored_at,
        &*status::status(upload),
    ];
    add_columns(text, &columns);
    if let Some(problem) = upload.state().problem() {
        [": ", &*format::visible(&problem.message)].iter().for_each(|part| text.push_str(part));
    }
}

/// Says how many files were stored, and which were not.
#[must_use]
pub fn stored_text(totals: &Totals, took: Duration, rate: Option<u64>) -> String {
    let (files, size) = (format::files(totals.done), format::bytes(totals.stored));
    let took = format::duration(took);
    let stored = match rate {
        Some(rate) => Text::SummaryRate.fill(&[&files, &size, &took, &format::rate(rate)]),
        None => Text::SummaryStored.fill(&[&files, &size, &took]),
    };
    let mut parts = vec![stored];
    parts.extend(totals::not_stored(totals));
    join(&parts, " · ")
}

#[cfg(test)]
mod tests {
    use protocol::{
        Problem, Stage,
        server::{Algorithm, FileDigest, Limits, Verified},
    };

    use super::*;
    use crate::queue::{PickedFile, Row, State, Stored};

    const LIMITS: Limits = Limits {
        max_chunk_bytes: 1 << 16,
        min_chunk_bytes: 1 << 12,
        max_open_uploads: 10,
        ping_interval_millis: 20_000,
        max_log_lines: 1000,
    };

    #[test]
    fn receipt_names_each_file_with_its_digest_and_time_or_what_went_wrong() {
        let mut queue = Queue::default();
        let file = |path: &str, size| PickedFile { path: path.into(), size, modified_millis: None };
        queue.add(vec![file("a/one", 3_000_000), file("a/t\two", 5)], "/in", || State::Queued);
        let offers = queue.offers(&LIMITS);
        let digest = FileDigest { algorithm: Algorithm::Crc32, hex: "00c0ffee".into() };
        let stored = Stored { verified: Verified::Digest, digest: Some(digest), page_agrees: true };
        queue.done(offers[0].upload, stored);
        let problem = Problem::new(Stage::Transfer, "No space left".into());
        queue.failed(offers[1].upload, problem, None);
        queue.set_stored_at(Row(0), 1_700_000_000_000);
        let home =
            Destination { host: "h".into(), port: 21, encryption: None, username: "u\n".into() };
        let text = receipt(&queue, Some(&home), Duration::from_secs(15));
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(
            lines[0],
            "1 file stored: 3.0\u{a0}MB in 15\u{a0}s, 200\u{a0}kB/s on average · 1 failed"
        );
        assert_eq!(lines[1], "h, port 21\tu␊");
        let done = "1700000000000\tDone, checksum confirmed by the server";
        assert_eq!(lines[2], format!("a/one\t/in\t3000000\tCRC-32\t00c0ffee\t{done}"));
        assert_eq!(lines[3], "a/t␉wo\t/in\t5\t\t\t\tFailed: No space left");
    }

    #[test]
    fn short_time_has_no_rate() {
        assert_eq!(mean(1000, Duration::from_secs(9)), None);
        assert_eq!(mean(1000, Duration::from_secs(10)), Some(100));
    }
}
