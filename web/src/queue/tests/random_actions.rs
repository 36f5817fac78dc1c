//! Random actions and answers.

use super::*;

/// A model of a portal with windows of `window` bytes, for one upload.
fn drive(queue: &mut Queue, size: u64, window: u64) -> u64 {
    let mut received = 0;
    grant(queue, 0, 0, window.min(size));
    while let Some(chunk) = chunk(queue) {
        assert_eq!(chunk.header.offset, received);
        let len = chunk.end - chunk.header.offset;
        assert!(len >= u64::from(LIMITS.min_chunk_bytes) || chunk.end == size);
        assert!(len <= u64::from(LIMITS.max_chunk_bytes));
        received = chunk.end;
        grant(queue, 0, received, (received + window).min(size));
    }
    received
}

proptest! {
    #[test]
    fn every_byte_is_sent_once_and_in_order(
        size in 0..2_000_000_u64,
        window in 4 * KIB..300 * KIB,
    ) {
        let mut queue = queue(&[size]);
        queue.offers(&LIMITS);
        prop_assert_eq!(drive(&mut queue, size, window), size);
    }

    #[test]
    fn whatever_happens_every_upload_can_still_be_finished(
        steps in prop::collection::vec((0..23_u8, 0..8_usize, 0..40_u32), 0..160),
    ) {
        let mut queue = queue(&[0, 1, 5 * KIB, 100 * KIB, 3, 70 * KIB]);
        queue.restore(vec![missing("x", Some(1)), missing("y", None)], |root| root == "x");
        for (step, row, id) in steps {
            let (row, id) = (Row(row), UploadId(id));
            match step {
                0 => { queue.pause(row); }
                1 => queue.resume(row),
                2 => { queue.cancel(row); }
                3 => queue.retry(row),
                4 => { queue.decide(row, ConflictPolicy::Skip); }
                5 => { queue.decide(row, ConflictPolicy::Overwrite); }
                6 => { queue.session_ended(); }
                7 => { queue.failed(id, problem(), None); }
                8 => { queue.conflict(id, Existing { size: None, modified_millis: None, digest: None }, None); }
                9 => { queue.done(id, stored()); }
                10 => {
                    let credit = Credit { taken: 0, received: 0, limit: 50 * KIB };
                    queue.credit(id, Attempt(id.0 % 2), credit, Millis(0));
                }
                11 => { queue.paused(id, Some("/part".into())); }
                12 => { queue.pause_all(Scope::All); }
                13 => queue.resume_all(Scope::All),
                14 => { queue.cancel_all(Scope::All); }
                15 => { queue.retry_failed(Scope::All); }
                16 => { queue.decide_all(ConflictPolicy::Rename); }
                17 => { queue.set_order([OfferOrder::AsDropped, OfferOrder::LargestFirst][row.0 % 2]); },
                18 => { queue.file_unreadable(id); }
                19 => queue.file_found(row, Some(u64::from(id.0 % 2))),
                20 => { queue.take_leftovers(); }
                21 => { queue.session_lost(); }
                _ => { queue.offers(&LIMITS); chunk(&mut queue); }
            }
            let open: Vec<_> = queue.open().map(|(_, row)| row).collect();
            let distinct: BTreeSet<_> = open.iter().collect();
            prop_assert_eq!(open.len(), distinct.len(), "no row is open twice");
        }
        let recounted = queue
            .uploads
            .iter()
            .flatten()
            .fold(Totals::default(), |sum, upload| sum.with(upload.totals()));
        prop_assert_eq!(queue.totals(), recounted);
        let in_folders =
            queue.folders().fold(Totals::default(), |sum, (_, folder)| sum.with(*folder.totals()));
        prop_assert_eq!(in_folders, recounted);
        for group in [Group::UnderWay, Group::NeedsUser, Group::Failed, Group::Done, Group::Skipped] {
            let there: Vec<_> = queue.group(group).rows().iter().collect();
            prop_assert_eq!(there, queue.rows_where(|state| state.group() == group));
        }
        let misses_file = |row: &Row| queue.get(*row).is_some_and(Upload::misses_file);
        let missing: Vec<_> = queue.rows().filter(misses_file).collect();
        prop_assert_eq!(queue.missing().iter().collect::<Vec<_>>(), missing);
        queue.session_ended();
        for row in 0..8 {
            queue.file_found(Row(row), None);
            queue.resume(Row(row));
            queue.retry(Row(row));
        }
        // An upload that was cancelled without its file stays cancelled.
        let has_file = |row: &Row| queue.get(*row).is_some_and(|it| it.access() == FileAccess::Available);
        let files = queue.rows().filter(has_file).count() as u64;
        let mut rounds = 0;
        while queue.totals().done < files {
            rounds += 1;
            prop_assert!(rounds < 20);
            for offer in queue.offers(&LIMITS) {
                queue.done(offer.upload, stored());
            }
        }
    }
}
