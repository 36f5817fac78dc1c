//! Uploads a small file and does with it what programs do: check `test_upload`.
//!
//! The file is deleted in the end. If it cannot be, the report names it.

use std::{
    fmt::Display,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ftps::{Algorithm, Client, Error, FileDigest, Random as _, RemotePath, SystemRandom};
use protocol::{
    Remedy,
    doctor::{CheckId, CheckState},
};

use super::{
    finding::Finding,
    run::{Run, TestUpload},
};
use crate::texts::{Text, span};

/// The file's content: its second byte is sent after a restart.
const CONTENT: &[u8; 2] = b"ab";

/// The digests of the content (RFC 1321, FIPS 180-4, ISO 3309).
const DIGESTS: [(Algorithm, &str); 4] = [
    (Algorithm::Sha256, "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"),
    (Algorithm::Sha1, "da23614e02469a0d7c7bd1bdab5c9c474b1904dc"),
    (Algorithm::Md5, "187ef4436122d1cc2f40dc2b92f0eba0"),
    (Algorithm::Crc32, "9e83486d"),
];

/// The random bytes in the file's name.
const NAME_BYTES: usize = 4;

/// The date that the file gets: 2020-02-02T02:02:02Z.
const DATE_MILLIS: i64 = 1_580_608_922_000;

/// A difference of clocks up to this one is not worth a word: the network takes some time too.
const CLOCK_LEEWAY: Duration = Duration::from_secs(60);

/// What is known of the test file so far.
struct TestFile {
    path: RemotePath,
    sentences: Vec<String>,
    state: CheckState,
    remedy: Option<Remedy>,
}

impl TestFile {
    fn tell(&mut self, state: CheckState, sentence: String) {
        self.state = self.state.max(state);
        self.sentences.push(sentence);
    }
}

impl Run<'_> {
    /// Uploads the test file, where that was asked for.
    pub(super) async fn test_upload(&mut self) {
        if self.examination.test_upload == TestUpload::NotMade {
            self.skip(&[CheckId::TestUpload], Text::DoctorTestNotAsked);
            return;
        }
        let Some(mut client) = self.known.client.take() else { return };
        self.begin();
        let finding = match (self.folder(&client), random_name()) {
            (Some(folder), Ok(name)) => match client.path_of(&name) {
                Ok(name) => self.exercise(&mut client, folder.join(&name)).await,
                Err(_) => self.findings.skipped(Text::DoctorNotReached),
            },
            _ => self.findings.skipped(Text::DoctorNotReached),
        };
        self.end(CheckId::TestUpload, finding);
        self.known.client = Some(client);
    }

    async fn exercise(&self, client: &mut Client, path: RemotePath) -> Finding {
        let (first, second) = CONTENT.split_at(1);
        if let Err(error) = store(client, &path, 0, first).await {
            let failed = self.findings.of_error(&error);
            let path = path.clone();
            return self.after_failure(client, &path, failed).await;
        }
        let mut file =
            TestFile { path, sentences: Vec::new(), state: CheckState::Ok, remedy: None };
        let sent = self.resume(client, &mut file, second).await;
        let checked = self.check_size(client, &mut file, sent).await;
        if let Err(error) = checked {
            let failed = self.findings.of_error(&error);
            return self.after_failure(client, &file.path.clone(), failed).await;
        }
        self.check_clock(client, &mut file).await;
        self.check_digest(client, &mut file, sent).await;
        self.set_date(client, &mut file).await;
        self.rename(client, &mut file).await;
        let is_deleted = self.delete(client, &mut file).await;
        let done = if is_deleted { Text::DoctorTestOk } else { Text::DoctorTestUploaded };
        let says = self.findings.ok(done, &[]).says;
        let says = [vec![says], file.sentences].concat().join(" ");
        Finding { state: file.state, says, remedy: file.remedy }
    }

    fn sentence(&self, text: Text, values: &[&dyn Display]) -> String {
        self.findings.ok(text, values).says
    }

    /// Sends the second byte. Returns how many bytes the file has to have.
    async fn resume(&self, client: &mut Client, file: &mut TestFile, second: &[u8]) -> u64 {
        match store(client, &file.path, 1, second).await {
            Ok(()) => {
                file.tell(CheckState::Ok, self.sentence(Text::DoctorTestResumed, &[]));
                2
            }
            Err(_) => {
                file.tell(CheckState::Note, self.sentence(Text::DoctorTestNotResumed, &[]));
                1
            }
        }
    }

    async fn check_size(
        &self,
        client: &mut Client,
        file: &mut TestFile,
        sent: u64,
    ) -> Result<(), Error> {
        match client.size(&file.path).await {
            Ok(Some(size)) if size == sent => Ok(()),
            Ok(size) => {
                let size = size.unwrap_or_default();
                let values: [&dyn Display; 2] = [&size, &sent];
                file.tell(CheckState::Failed, self.sentence(Text::DoctorTestWrongSize, &values));
                file.remedy = Some(self.findings.remedy_for(ftps::Cause::NotWhole));
                Ok(())
            }
            Err(error) if error.is_not_supported() => {
                file.tell(CheckState::Note, self.sentence(Text::DoctorTestNoSize, &[]));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Compares the date that the server gave to the new file with our clock.
    async fn check_clock(&self, client: &mut Client, file: &mut TestFile) {
        let Ok(Some(millis)) = client.modified(&file.path).await else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
        let difference = Duration::from_millis(now.abs_diff(millis) / 1000 * 1000);
        self.evidence.add(format!("difference of the clocks: {}", span(difference)));
        if difference > CLOCK_LEEWAY {
            let difference = span(difference);
            file.tell(CheckState::Note, self.sentence(Text::DoctorTestClock, &[&difference]));
        }
    }

    async fn check_digest(&self, client: &mut Client, file: &mut TestFile, sent: u64) {
        let is_whole = u64::try_from(CONTENT.len()) == Ok(sent);
        let Ok(Some(digest)) = client.digest(&file.path).await else {
            file.tell(CheckState::Ok, self.sentence(Text::DoctorTestNoDigest, &[]));
            return;
        };
        let algorithm = digest.algorithm();
        let expected = DIGESTS.iter().find(|(own, _)| *own == algorithm);
        let expected = expected.and_then(|(_, hex)| FileDigest::new(algorithm, hex));
        if is_whole && expected.is_some_and(|expected| expected != digest) {
            let sentence = self.sentence(Text::DoctorTestWrongDigest, &[&algorithm]);
            file.tell(CheckState::Failed, sentence);
            file.remedy = Some(self.findings.remedy_for(ftps::Cause::NotWhole));
        } else {
            file.tell(CheckState::Ok, self.sentence(Text::DoctorTestDigest, &[&algorithm]));
        }
    }

    async fn set_date(&self, client: &mut Client, file: &mut TestFile) {
        let is_set = match client.set_modified(&file.path, DATE_MILLIS).await {
            Ok(true) => match client.modified(&file.path).await {
                Ok(Some(millis)) => millis == DATE_MILLIS,
                // It was confirmed, and there is no way to look.
                Ok(None) | Err(_) => true,
            },
            Ok(false) | Err(_) => false,
        };
        let text = if is_set { Text::DoctorTestDated } else { Text::DoctorTestNotDated };
        let state = if is_set { CheckState::Ok } else { CheckState::Note };
        file.tell(state, self.sentence(text, &[]));
    }

    async fn rename(&self, client: &mut Client, file: &mut TestFile) {
        let Ok(name) = client.path_of(&format!("{}-2", client.text_of(&file.path))) else {
            return;
        };
        match client.rename(&file.path, &name).await {
            Ok(()) => file.path = name,
            Err(_) => {
                file.tell(CheckState::Warning, self.sentence(Text::DoctorTestNotRenamed, &[]));
                file.remedy = Some(self.findings.host_remedy(Text::DoctorTestRightsRemedy, &[]));
            }
        }
    }

    async fn delete(&self, client: &mut Client, file: &mut TestFile) -> bool {
        if client.delete(&file.path).await.is_ok() {
            return true;
        }
        let path = file.path.to_string();
        file.tell(CheckState::Warning, self.sentence(Text::DoctorTestLeftBehind, &[&path]));
        let remedy = self.findings.host_remedy(Text::DoctorTestRightsRemedy, &[]);
        file.remedy.get_or_insert(remedy);
        false
    }

    /// Deletes what a failed upload has left.
    async fn after_failure(
        &self,
        client: &mut Client,
        path: &RemotePath,
        failed: Finding,
    ) -> Finding {
        if !client.is_usable() {
            let path = path.to_string();
            return failed.and(&self.sentence(Text::DoctorTestMayBeLeft, &[&path]));
        }
        match client.size(path).await {
            Ok(Some(_)) if client.delete(path).await.is_err() => {
                let path = path.to_string();
                failed.and(&self.sentence(Text::DoctorTestLeftBehind, &[&path]))
            }
            _ => failed,
        }
    }
}

async fn store(
    client: &mut Client,
    path: &RemotePath,
    offset: u64,
    bytes: &[u8],
) -> Result<(), Error> {
    let mut store = client.store(path, offset).await?;
    store.write(bytes).await?;
    store.finish().await.map(drop)
}

/// Returns a name that no other file has. It shows whether letters beyond ASCII survive.
fn random_name() -> std::io::Result<String> {
    let mut random = [0; NAME_BYTES];
    SystemRandom.fill(&mut random)?;
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("ferryport-test-{hex}-ü"))
}
