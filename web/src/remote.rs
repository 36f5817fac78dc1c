//! The directory in view on the server.

use std::time::Duration;

use protocol::{Problem, server::Entry};

use crate::time::Millis;

/// After an upload ends the view waits this long for the next one to end.
const REFRESH_PAUSE: Duration = Duration::from_millis(800);

/// What is known of the directory in view.
#[derive(Debug, Default)]
pub struct Remote {
    directory: String,
    entries: Vec<Entry>,
    left_out: u64,
    /// The path whose listing is awaited: one at a time.
    asked: Option<String>,
    /// The path to ask for after that.
    next: Option<String>,
    problem: Option<Problem>,
    refresh_at: Option<Millis>,
}

impl Remote {
    /// The absolute path of the directory in view.
    #[must_use]
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// Its files and directories.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many more there are than the portal sends.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Whether an answer is awaited.
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.asked.is_some()
    }

    /// Why the last listing failed.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// When the view wants to be refreshed by itself.
    #[must_use]
    pub fn refresh_at(&self) -> Option<Millis> {
        self.refresh_at
    }

    /// The person has disconnected: the next connection begins where its login does.
    pub fn leave(&mut self) {
        *self = Self::default();
    }

    /// Starts over in `directory` on a new connection; gives the path to list.
    pub fn enter(&mut self, directory: String) -> Option<String> {
        *self = Self { directory, ..Self::default() };
        self.refresh()
    }

    /// Goes into one of the directories in view; gives the path to list, if now is the time.
    pub fn open(&mut self, name: &str) -> Option<String> {
        self.ask(join(&self.directory, name))
    }

    /// Goes to an absolute path; gives the path to list, if now is the time.
    pub fn go(&mut self, path: String) -> Option<String> {
        self.ask(path)
    }

    /// Goes to the directory above, unless the top is in view.
    pub fn up(&mut self) -> Option<String> {
        let parent = parent(&self.directory)?.to_owned();
        self.ask(parent)
    }

    /// Looks again, where the person is or is on the way to.
    pub fn refresh(&mut self) -> Option<String> {
        let path = self.next.as_ref().or(self.asked.as_ref()).unwrap_or(&self.directory);
        self.ask(path.clone())
    }

    /// An upload has ended: the view is out of date.
    pub fn changed(&mut self, now: Millis) {
        self.refresh_at.get_or_insert(now + REFRESH_PAUSE);
    }

    /// The portal's answer; gives the path to list next. An answer that nobody waits for is left
    /// alone.
    pub fn listed(&mut self, path: String, entries: Vec<Entry>, left_out: u64) -> Option<String> {
        self.asked.take()?;
        self.directory = path;
        self.entries = entries;
        self.left_out = left_out;
        self.problem = None;
        self.go_on()
    }

    /// The server refused. The directory in view stays. Gives the path to list next.
    pub fn failed(&mut self, problem: Problem) -> Option<String> {
        self.asked.take()?;
        self.problem = Some(problem);
        self.go_on()
    }

    fn ask(&mut self, path: String) -> Option<String> {
        self.refresh_at = None;
        if self.asked.is_some() {
            self.next = Some(path);
            return None;
        }
        self.asked = Some(path.clone());
        Some(path)
    }

    fn go_on(&mut self) -> Option<String> {
        let next = self.next.take()?;
        self.ask(next)
    }
}

/// The path of `name` in `directory`; relative when the directory is not known.
#[must_use]
pub fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        return name.to_owned();
    }
    format!("{}/{name}", directory.trim_end_matches('/'))
}

/// The directory above; nothing above the top.
#[must_use]
pub fn parent(directory: &str) -> Option<&str> {
    let (parent, name) = directory.trim_end_matches('/').rsplit_once('/')?;
    match (parent, name) {
        (_, "") => None,
        ("", _) => Some("/"),
        (parent, _) => Some(parent),
    }
}

#[cfg(test)]
mod tests {
    use protocol::Stage;

    use super::*;

    fn refused() -> Problem {
        Problem { stage: Stage::List, message: "no".into(), reply: None, cause: None, remedy: None }
    }

    #[test]
    fn parent_ends_at_the_top() {
        assert_eq!(parent("/a/b"), Some("/a"));
        assert_eq!(parent("/a/"), Some("/"));
        assert_eq!(parent("/"), None);
        assert_eq!(parent(""), None);
    }

    #[test]
    fn names_are_joined_with_one_slash() {
        assert_eq!(join("/", "a"), "/a");
        assert_eq!(join("/a", "b/c"), "/a/b/c");
        assert_eq!(join("", "a"), "a");
    }

    #[test]
    fn refused_directory_leaves_the_view_where_it_was() {
        let mut remote = Remote::default();
        remote.enter("/home".into());
        remote.listed("/home".into(), Vec::new(), 0);
        assert_eq!(remote.open("secret").as_deref(), Some("/home/secret"));
        remote.failed(refused());
        assert_eq!(remote.directory(), "/home");
        assert!(remote.problem().is_some());
        assert!(!remote.is_loading());
    }

    #[test]
    fn one_listing_is_awaited_at_a_time_and_the_last_wish_counts() {
        let mut remote = Remote::default();
        assert_eq!(remote.enter("/".into()).as_deref(), Some("/"));
        assert_eq!(remote.open("a"), None);
        assert_eq!(remote.open("b"), None);
        assert_eq!(remote.refresh(), None, "it is on the way to b");
        assert_eq!(remote.listed("/".into(), Vec::new(), 0).as_deref(), Some("/b"));
        assert!(remote.is_loading());
        assert_eq!(remote.listed("/b".into(), Vec::new(), 0), None);
        assert!(!remote.is_loading());
        remote.listed("/late".into(), Vec::new(), 0);
        assert_eq!(remote.directory(), "/b");
    }

    #[test]
    fn many_ends_lead_to_one_refresh() {
        let mut remote = Remote::default();
        remote.changed(Millis(1000));
        remote.changed(Millis(1100));
        assert_eq!(remote.refresh_at(), Some(Millis(1800)));
        remote.refresh();
        assert_eq!(remote.refresh_at(), None);
    }
}
