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
    /// The path asked for last, and how many answers are under way.
    asked: Option<(String, u32)>,
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

    /// Starts over in `directory`; gives the path to list.
    pub fn enter(&mut self, directory: String) -> String {
        *self = Self { directory, ..Self::default() };
        self.refresh()
    }

    /// Goes into one of the directories in view; gives the path to list.
    pub fn open(&mut self, name: &str) -> String {
        self.ask(join(&self.directory, name))
    }

    /// Goes to the directory above; gives the path to list, unless the top is in view.
    pub fn up(&mut self) -> Option<String> {
        let parent = parent(&self.directory)?.to_owned();
        Some(self.ask(parent))
    }

    /// Looks again; gives the path to list.
    pub fn refresh(&mut self) -> String {
        let path = self.asked.as_ref().map_or(&self.directory, |(path, _)| path);
        self.ask(path.clone())
    }

    /// An upload has ended: the view is out of date.
    pub fn changed(&mut self, now: Millis) {
        self.refresh_at.get_or_insert(now + REFRESH_PAUSE);
    }

    /// The portal's answer. One that nobody waits for any more is left alone.
    pub fn listed(&mut self, path: String, entries: Vec<Entry>, left_out: u64) {
        if self.answered() {
            self.directory = path;
            self.entries = entries;
            self.left_out = left_out;
            self.problem = None;
        }
    }

    /// The server refused. The directory in view stays.
    pub fn failed(&mut self, problem: Problem) {
        if self.answered() {
            self.problem = Some(problem);
        }
    }

    fn ask(&mut self, path: String) -> String {
        self.refresh_at = None;
        let under_way = self.asked.take().map_or(0, |(_, under_way)| under_way);
        self.asked = Some((path.clone(), under_way + 1));
        path
    }

    /// One answer fewer is under way; false when none was.
    fn answered(&mut self) -> bool {
        match self.asked.take() {
            None => false,
            Some((path, under_way)) => {
                self.asked = (under_way > 1).then(|| (path, under_way - 1));
                true
            }
        }
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
        assert_eq!(remote.open("secret"), "/home/secret");
        remote.failed(refused());
        assert_eq!(remote.directory(), "/home");
        assert!(remote.problem().is_some());
        assert!(!remote.is_loading());
    }

    #[test]
    fn answer_to_the_last_question_decides() {
        let mut remote = Remote::default();
        remote.enter("/".into());
        remote.open("a");
        assert_eq!(remote.refresh(), "/a");
        remote.listed("/".into(), Vec::new(), 0);
        remote.listed("/a".into(), Vec::new(), 0);
        assert!(remote.is_loading());
        remote.listed("/a".into(), Vec::new(), 0);
        assert!(!remote.is_loading());
        assert_eq!(remote.directory(), "/a");
        remote.listed("/late".into(), Vec::new(), 0);
        assert_eq!(remote.directory(), "/a");
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
