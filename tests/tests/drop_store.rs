//! What the store keeps of drops, on SQLite and on real PostgreSQL: limits, claims, leases, arrivals.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on stops and says why"
)]

use std::time::Duration;

use ferryport_tests::postgres::Postgres;
use store::{
    ClaimOutcome, ClaimRefusal, ClaimRequest, Claimant, DropLimits, DropRow, DropState, DropTerms,
    EarlierClaim, NewArrival, NewDrop, NotStored, Opener, Sealed, Store, StoredFacts,
};
use tempfile::TempDir;

const LIMIT: Duration = Duration::from_secs(30);
const LEASE: Duration = Duration::from_secs(600);
const HOUR_MS: i64 = 3_600_000;

/// Claims of one storm at the same time.
const STORM: usize = 64;

async fn open(address: &str, opener: Opener) -> Store {
    Store::open(&address.parse().unwrap(), opener, LIMIT).await.unwrap()
}

fn sealed(text: &str) -> Sealed {
    Sealed { key_id: "a".to_owned(), ciphertext: text.into() }
}

/// A store in each database, with a second connection to it as of another portal.
struct Databases {
    _folder: TempDir,
    _cluster: Postgres,
    addresses: [String; 2],
}

impl Databases {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = Postgres::start();
        let addresses =
            [format!("sqlite:{}/f.db", folder.path().display()), cluster.database("drops")];
        Self { _folder: folder, _cluster: cluster, addresses }
    }

    async fn each(&self, mut check: impl AsyncFnMut(Store, Store)) {
        for address in &self.addresses {
            let first = open(address, Opener::Portal).await;
            let second = open(address, Opener::Command).await;
            check(first.clone(), second.clone()).await;
            first.close().await;
            second.close().await;
        }
    }
}

/// Makes a drop that is open for an hour.
async fn make(store: &Store, id: &str, limits: DropLimits) {
    let now = store.now_ms().await.unwrap();
    make_at(store, id, limits, (now - HOUR_MS, now + HOUR_MS)).await;
}

async fn make_at(store: &Store, id: &str, limits: DropLimits, (starts, expires): (i64, i64)) {
    let terms = DropTerms {
        preset: "site".to_owned(),
        title: format!("title of {id}"),
        note: String::new(),
        folder: "{date}".to_owned(),
        password_hash: String::new(),
        types: "pdf".to_owned(),
        ask: "{}".to_owned(),
        starts_ms: starts,
        expires_ms: expires,
        limits,
    };
    let new = NewDrop {
        id: id.to_owned(),
        secret_sha256: vec![7; 32],
        secret: sealed("link"),
        terms: terms.clone(),
    };
    store.create_drop(&new).await.unwrap();
    assert_eq!(row(store, id).await.terms, terms, "it is kept as it was made");
}

async fn row(store: &Store, id: &str) -> DropRow {
    store.drop_by_id(id).await.unwrap().unwrap()
}

fn claimant(drop: &str, arrival: &str, instance: &str, lease: Duration) -> Claimant {
    Claimant {
        drop: drop.to_owned(),
        preset: "site".to_owned(),
        arrival: NewArrival {
            id: arrival.to_owned(),
            key_sha256: vec![9; 32],
            client: "192.0.2.1".to_owned(),
            guest: sealed("guest"),
        },
        instance: instance.to_owned(),
        lease,
    }
}

fn path(name: &str, number: u32) -> Vec<u8> {
    format!("{name} {number}").into_bytes()
}

/// Claims one file with this name.
async fn claim(
    store: &Store,
    claimant: &Claimant,
    file: &str,
    (name, size): (&str, u64),
) -> ClaimOutcome {
    let request = ClaimRequest {
        file: file.to_owned(),
        name_sha256: name.into(),
        size,
        sealed: sealed(name),
        path_sha256: &|number| path(name, number),
        number: 1,
    };
    let outcomes = store.claim(claimant, &[request]).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes[0]
}

const FIRST: ClaimOutcome = ClaimOutcome::Claimed { number: 1 };

fn facts() -> StoredFacts {
    StoredFacts { sha256: "ab".repeat(32), verified: "size".to_owned() }
}

/// Asserts that what a drop has used is the sum of its files.
async fn assert_sums(store: &Store, id: &str) -> DropRow {
    let row = row(store, id).await;
    let sums = store.sum_of_files(id).await.unwrap();
    assert_eq!((row.used.files, row.used.bytes), sums, "{row:?}");
    row
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn limits_of_files_and_bytes_are_exact_whatever_64_claims_do_at_once() {
    Databases::new()
        .each(async |first, second| {
            for (id, limits, fit) in [
                ("files", DropLimits { files: 10, ..DropLimits::NONE }, 10),
                ("bytes", DropLimits { bytes: 1005, ..DropLimits::NONE }, 10),
                ("both", DropLimits { files: 9, bytes: 700, ..DropLimits::NONE }, 7),
            ] {
                make(&first, id, limits).await;
                let claims: Vec<_> = (0..STORM)
                    .map(|number| {
                        let store = if number % 2 == 0 { first.clone() } else { second.clone() };
                        let claimant = claimant(id, &format!("{id} a{}", number % 5), "p", LEASE);
                        let name = format!("{id} {number}");
                        tokio::spawn(
                            async move { claim(&store, &claimant, &name, (&name, 100)).await },
                        )
                    })
                    .collect();
                let mut claimed = 0;
                for outcome in claims {
                    claimed += usize::from(outcome.await.unwrap() == FIRST);
                }
                assert_eq!(claimed, fit, "{id}");
                assert_eq!(assert_sums(&first, id).await.used.files, fit as u64);
            }
        })
        .await;
}

/// One guest of the storm: claims files, and does one of all things that can happen to each of them.
async fn guest(store: Store, number: usize, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let claimant = claimant("storm", &format!("arrival {seed} {number}"), "p", LEASE);
    for round in 0..4 {
        let names: Vec<_> = (0..random.usize(1..4))
            // Names that others use too.
            .map(|file| {
                (format!("{seed} {number} {round} {file}"), format!("n{}", random.u8(0..9)))
            })
            .collect();
        let sizes: Vec<_> = names.iter().map(|_| random.u64(0..40)).collect();
        let paths: Vec<Box<dyn Fn(u32) -> Vec<u8> + Send + Sync>> = names
            .iter()
            .map(|(_, name)| {
                let name = name.clone();
                Box::new(move |number| path(&name, number)) as _
            })
            .collect();
        let requests: Vec<_> = names
            .iter()
            .zip(sizes)
            .zip(&paths)
            .map(|(((file, name), size), path)| ClaimRequest {
                file: file.clone(),
                name_sha256: name.as_bytes().to_vec(),
                size,
                sealed: sealed(name),
                path_sha256: &**path,
                number: 1,
            })
            .collect();
        let outcomes = store.claim(&claimant, &requests).await.unwrap();
        for ((file, _), outcome) in names.iter().zip(outcomes) {
            if matches!(outcome, ClaimOutcome::Claimed { .. }) {
                end_somehow(&store, file, random.u8(0..5)).await;
            }
        }
    }
}

async fn end_somehow(store: &Store, file: &str, way: u8) {
    match way {
        0 => assert!(store.store_claim(file, "p", &facts()).await.unwrap()),
        1 => assert!(store.end_claim(file, "p", NotStored::Released, "").await.unwrap()),
        2 => {
            assert!(store.end_claim(file, "p", NotStored::Failed, "x").await.unwrap());
            assert!(!store.end_claim(file, "p", NotStored::Failed, "x").await.unwrap(), "once");
        }
        // Its time is over at once; whoever comes first releases it.
        3 => {
            assert!(store.pause_claim(file, "p", Duration::ZERO).await.unwrap());
            store.release_expired_claims().await.unwrap();
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn used_is_the_sum_of_claimed_and_stored_files_after_a_storm_of_64_guests() {
    Databases::new()
        .each(async |first, second| {
            let limits = DropLimits { files: 150, bytes: 2500, file_bytes: 35, arrivals: 100 };
            make(&first, "storm", limits).await;
            for seed in 1..=4 {
                let guests: Vec<_> = (0..STORM)
                    .map(|number| {
                        let store = if number % 2 == 0 { first.clone() } else { second.clone() };
                        tokio::spawn(guest(store, number, seed))
                    })
                    .collect();
                for guest in guests {
                    guest.await.unwrap();
                }
                let row = assert_sums(&first, "storm").await;
                assert!(
                    row.used.files <= limits.files && row.used.bytes <= limits.bytes,
                    "{row:?}"
                );
                let arrivals = first.arrivals("storm").await.unwrap();
                assert_eq!(row.used.arrivals, arrivals.len() as u64);
                assert!(row.used.arrivals <= limits.arrivals, "{row:?}");
                assert!(row.used.files > 20, "the storm claimed something: {row:?}");
            }
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_limit_says_that_it_was_the_one() {
    Databases::new()
        .each(async |store, _| {
            let limits = DropLimits { files: 2, bytes: 100, file_bytes: 60, arrivals: 1 };
            make(&store, "d", limits).await;
            let own = claimant("d", "a1", "p", LEASE);
            let refused = |refusal| ClaimOutcome::Refused(refusal);
            let too_large = refused(ClaimRefusal::FileTooLarge { max: 60 });
            assert_eq!(claim(&store, &own, "f0", ("x", 61)).await, too_large);
            assert_eq!(row(&store, "d").await.used.arrivals, 0, "a refused file begins no arrival");
            assert_eq!(claim(&store, &own, "f1", ("x", 60)).await, FIRST);
            let left = refused(ClaimRefusal::NoBytes { left: 40 });
            assert_eq!(claim(&store, &own, "f2", ("y", 41)).await, left);
            let other = claimant("d", "a2", "p", LEASE);
            let no_arrival = refused(ClaimRefusal::NoArrivals);
            assert_eq!(claim(&store, &other, "f3", ("z", 1)).await, no_arrival);
            assert_eq!(claim(&store, &own, "f4", ("y", 40)).await, FIRST);
            assert_eq!(claim(&store, &own, "f5", ("w", 0)).await, refused(ClaimRefusal::NoFiles));
            assert_eq!(
                assert_sums(&store, "d").await.state_at(store.now_ms().await.unwrap()),
                DropState::Full
            );
            // What is given back can be claimed again.
            assert!(store.end_claim("f4", "p", NotStored::Failed, "x").await.unwrap());
            assert_eq!(claim(&store, &own, "f6", ("y", 40)).await, FIRST);
            assert_sums(&store, "d").await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_unknown_and_one_with_a_wrong_secret_get_one_answer_and_the_others_their_reason()
 {
    Databases::new()
        .each(async |store, _| {
            let now = store.now_ms().await.unwrap();
            make(&store, "open", DropLimits::NONE).await;
            make(&store, "revoked", DropLimits::NONE).await;
            make_at(&store, "early", DropLimits::NONE, (now + HOUR_MS, now + 2 * HOUR_MS)).await;
            make_at(&store, "over", DropLimits::NONE, (now - 2 * HOUR_MS, now - HOUR_MS)).await;
            assert!(store.revoke_drop("revoked").await.unwrap());
            assert!(!store.revoke_drop("revoked").await.unwrap(), "once");
            assert!(!store.extend_drop("revoked", now + HOUR_MS).await.unwrap());
            assert_eq!(store.drop_by_link("open", &[8; 32]).await.unwrap(), None);
            assert_eq!(store.drop_by_link("unknown", &[7; 32]).await.unwrap(), None);
            let own = claimant("", "a", "p", LEASE);
            for (id, state, refusal) in [
                ("open", DropState::Open, None),
                ("revoked", DropState::Revoked, Some(ClaimRefusal::Revoked)),
                ("early", DropState::TooEarly, Some(ClaimRefusal::TooEarly)),
                ("over", DropState::Expired, Some(ClaimRefusal::Expired)),
            ] {
                let row = store.drop_by_link(id, &[7; 32]).await.unwrap().unwrap();
                assert_eq!(row.state_at(store.now_ms().await.unwrap()), state, "{id}");
                let own = Claimant { drop: id.to_owned(), ..own.clone() };
                let claimed = claim(&store, &own, id, (id, 1)).await;
                assert_eq!(claimed, refusal.map_or(FIRST, ClaimOutcome::Refused), "{id}");
            }
            let ended = store.drops_ended_since(now).await.unwrap();
            assert_eq!(ended, ["revoked"]);
            // A drop that is over takes files again once it is extended.
            assert!(store.extend_drop("over", now + HOUR_MS).await.unwrap());
            let own = Claimant { drop: "over".to_owned(), ..own };
            assert_eq!(claim(&store, &own, "again", ("again", 1)).await, FIRST);
            assert_eq!(store.drops().await.unwrap().len(), 4);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_its_portal_does_not_renew_is_given_back_and_a_renewed_one_is_not() {
    Databases::new()
        .each(async |store, other| {
            make(&store, "d", DropLimits::NONE).await;
            let dead = claimant("d", "a1", "dead", Duration::ZERO);
            let lives = claimant("d", "a2", "lives", Duration::ZERO);
            assert_eq!(claim(&store, &dead, "f1", ("x", 5)).await, FIRST);
            assert_eq!(claim(&store, &lives, "f2", ("y", 7)).await, FIRST);
            assert_eq!(store.renew_claims("lives", LEASE).await.unwrap(), ["f2"]);
            let released = other.release_expired_claims().await.unwrap();
            let files: Vec<_> = released.iter().map(|claim| claim.file.as_str()).collect();
            assert_eq!(files, ["f1"]);
            assert_eq!(assert_sums(&store, "d").await.used.bytes, 7);
            assert_eq!(store.renew_claims("dead", LEASE).await.unwrap(), [""; 0]);
            assert!(!store.end_claim("f1", "dead", NotStored::Released, "").await.unwrap());
            // Its portal was only slow, and the file is on the server: it counts.
            assert!(store.store_claim("f1", "dead", &facts()).await.unwrap());
            assert_eq!(assert_sums(&store, "d").await.used.bytes, 12);
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_file_keeps_its_claim_and_goes_on_with_its_part_file_for_its_own_guest_only() {
    Databases::new()
        .each(async |store, other| {
            make(&store, "d", DropLimits { files: 1, ..DropLimits::NONE }).await;
            let first = claimant("d", "a1", "p1", LEASE);
            assert_eq!(claim(&store, &first, "f1", ("x", 5)).await, FIRST);
            store.describe_file("f1", &sealed("part file")).await.unwrap();
            assert!(store.pause_claim("f1", "p1", LEASE).await.unwrap());
            assert!(!store.pause_claim("f1", "p1", LEASE).await.unwrap(), "it is nobody's now");
            assert_eq!(store.release_expired_claims().await.unwrap(), []);
            let resume = async |store: &Store, arrival: &str, size, instance: &str| {
                let holder = (instance, LEASE);
                store.resume_claim(arrival, b"x", size, holder).await.unwrap()
            };
            assert_eq!(resume(&other, "a2", 5, "p2").await, None);
            assert_eq!(resume(&other, "a1", 6, "p2").await, None);
            let found = resume(&other, "a1", 5, "p2").await.unwrap();
            assert_eq!(found.claim, EarlierClaim::Resumed);
            assert_eq!((found.file.as_str(), &found.sealed), ("f1", &sealed("part file")));
            // The portal p2 is alive: another one takes the claim, and may not use the part file.
            let found = resume(&store, "a1", 5, "p1").await.unwrap();
            assert_eq!(found.claim, EarlierClaim::TakenOver);
            assert_eq!(other.renew_claims("p2", LEASE).await.unwrap(), [""; 0], "p2 learns it");
            assert!(!other.store_claim("f1", "p2", &facts()).await.unwrap());
            assert!(store.end_claim("f1", "p1", NotStored::Released, "").await.unwrap());
            let found = resume(&store, "a1", 5, "p1").await.unwrap();
            assert_eq!(found.claim, EarlierClaim::Released, "the part file may be there still");
            // Its guest does not come back: whoever releases it learns of the part file.
            assert_eq!(claim(&store, &first, "f2", ("x", 5)).await, FIRST);
            assert!(store.pause_claim("f2", "p1", Duration::ZERO).await.unwrap());
            let released = other.release_expired_claims().await.unwrap();
            assert_eq!(
                (released[0].file.as_str(), &released[0].paused),
                ("f2", &Some(sealed("x")))
            );
            assert_sums(&store, "d").await;
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_path_is_claimed_once_and_others_get_the_next_numbers() {
    Databases::new()
        .each(async |store, other| {
            make(&store, "d1", DropLimits::NONE).await;
            make(&store, "d2", DropLimits::NONE).await;
            let one = claimant("d1", "a1", "p1", LEASE);
            let two = claimant("d2", "a2", "p2", LEASE);
            assert_eq!(claim(&store, &one, "f1", ("x", 1)).await, FIRST);
            let second = ClaimOutcome::Claimed { number: 2 };
            assert_eq!(claim(&other, &two, "f2", ("x", 1)).await, second);
            // The server has number 1 and 3, which nobody has claimed.
            let renumbered = store.renumber_claim("f1", "p1", 2, &|number| path("x", number));
            assert_eq!(renumbered.await.unwrap(), Some(3));
            let renumbered = store.renumber_claim("f1", "p2", 4, &|number| path("x", number));
            assert_eq!(renumbered.await.unwrap(), None, "it is p1's");
            assert!(store.store_claim("f1", "p1", &facts()).await.unwrap());
            // Once it is stored, the server shows it.
            let renumbered = other.renumber_claim("f2", "p2", 3, &|number| path("x", number));
            assert_eq!(renumbered.await.unwrap(), Some(3));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arrivals_are_found_by_their_keys_listed_finished_and_forgotten() {
    Databases::new()
        .each(async |store, _| {
            make(&store, "d", DropLimits::NONE).await;
            let own = claimant("d", "a1", "p", LEASE);
            assert_eq!(claim(&store, &own, "f1", ("x", 5)).await, FIRST);
            assert_eq!(claim(&store, &own, "f2", ("y", 6)).await, FIRST);
            assert!(store.store_claim("f1", "p", &facts()).await.unwrap());
            assert_eq!(store.arrival_by_key("d", "a1", &[8; 32]).await.unwrap(), None);
            assert_eq!(store.arrival_by_key("other", "a1", &[9; 32]).await.unwrap(), None);
            let arrival = store.arrival_by_key("d", "a1", &[9; 32]).await.unwrap().unwrap();
            assert_eq!((arrival.files, arrival.bytes, arrival.finished_ms), (1, 5, None));
            assert_eq!(arrival.guest, Some(sealed("guest")));
            assert!(store.has_open_arrivals("d").await.unwrap());
            let finished = store.finish_arrival("a1").await.unwrap().unwrap();
            assert_eq!(store.finish_arrival("a1").await.unwrap(), Some(finished), "once");
            assert!(!store.has_open_arrivals("d").await.unwrap());
            let files = store.arrival_files("a1").await.unwrap();
            let states: Vec<_> = files.iter().map(|file| file.state.as_str()).collect();
            assert!(states.contains(&"stored") && states.contains(&"claimed"), "{files:?}");
            assert!(files.iter().all(|file| file.sealed.is_some()));

            assert_eq!(store.forget_guests(Duration::ZERO).await.unwrap(), 0, "it is open");
            assert!(store.revoke_drop("d").await.unwrap());
            assert_eq!(store.forget_guests(LEASE).await.unwrap(), 0, "it is too early");
            let forgotten = ferryport_tests::process::wait_for(LIMIT, || {
                let store = store.clone();
                let forgotten = async move { store.forget_guests(Duration::ZERO).await.unwrap() };
                tokio::task::block_in_place(|| {
                    Some(tokio::runtime::Handle::current().block_on(forgotten)).filter(|n| *n > 0)
                })
            });
            assert_eq!(forgotten, Some(3), "one guest and two files");
            let arrivals = store.arrivals("d").await.unwrap();
            assert_eq!((arrivals[0].files, arrivals[0].bytes), (1, 5), "counts stay");
            assert_eq!((&arrivals[0].guest, arrivals[0].client.as_str()), (&None, ""));
            let files = store.arrival_files("a1").await.unwrap();
            assert!(files.len() == 2 && files.iter().all(|file| file.sealed.is_none()));
        })
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_portal_that_has_its_store_alone_goes_on_with_the_claims_of_the_portal_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("sqlite:{}/f.db", folder.path().display());
    let store = open(&address, Opener::Portal).await;
    make(&store, "d", DropLimits::NONE).await;
    assert_eq!(claim(&store, &claimant("d", "a", "old", LEASE), "f", ("x", 5)).await, FIRST);
    store.close().await;
    drop(store);
    let store = open(&address, Opener::Portal).await;
    let found = store.resume_claim("a", b"x", 5, ("new", LEASE)).await.unwrap().unwrap();
    assert_eq!(found.claim, EarlierClaim::Resumed);
    assert_sums(&store, "d").await;
}
