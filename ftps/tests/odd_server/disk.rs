//! The disk of an odd server: files with modes, directories and symbolic links, whose names may be
//! folded.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::time::Instant;
use unicode_normalization::UnicodeNormalization;

/// The mode of new files.
pub(crate) const NEW_MODE: u32 = 0o644;

/// Which differences between names the disk ignores.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Folding {
    pub(crate) case: bool,
    /// Names are stored in normalization form D.
    pub(crate) unicode: bool,
}

/// The number of a file, for as long as the disk lives: a name may get another one.
pub(crate) type FileId = usize;

/// The meaning of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    File(FileId),
    Directory,
    /// A symbolic link to a path.
    Link(String),
}

#[derive(Clone, Debug)]
struct Entry {
    /// The path as it is stored.
    path: String,
    node: Node,
}

#[derive(Debug, Default)]
struct File {
    content: Vec<u8>,
    mode: u32,
    /// Until then, its size is shown as 0.
    size_known_at: Option<Instant>,
}

/// The entry of a path, with what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    /// The path as it is stored.
    pub(crate) path: String,
    pub(crate) held: Held,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Held {
    File { content: Arc<[u8]>, mode: u32 },
    Directory,
    Link(String),
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File { content, mode } => {
                write!(f, "file of {} bytes, mode {mode:o}", content.len())
            }
            Self::Directory => f.write_str("directory"),
            Self::Link(target) => write!(f, "link to {target}"),
        }
    }
}

/// Entries of a directory, by the path without the differences that the disk ignores.
pub(crate) type Snapshot = BTreeMap<String, Item>;

#[derive(Debug)]
pub(crate) struct Disk {
    folding: Folding,
    entries: BTreeMap<String, Entry>,
    files: Vec<File>,
    /// The files that were taken away, with their paths.
    taken: Vec<(String, Vec<u8>)>,
}

impl Disk {
    pub(crate) fn new(folding: Folding) -> Self {
        let root = Entry { path: "/".to_owned(), node: Node::Directory };
        let entries = BTreeMap::from([("/".to_owned(), root)]);
        Self { folding, entries, files: Vec::new(), taken: Vec::new() }
    }

    /// The path without the differences that the disk ignores.
    pub(crate) fn key(&self, path: &str) -> String {
        let path = self.stored(path);
        if self.folding.case { path.to_lowercase() } else { path }
    }

    fn stored(&self, path: &str) -> String {
        if self.folding.unicode { path.nfd().collect() } else { path.to_owned() }
    }

    fn insert(&mut self, path: &str, node: Node) {
        let entry = Entry { path: self.stored(path), node };
        self.entries.insert(self.key(path), entry);
    }

    /// What has the path itself.
    pub(crate) fn node(&self, path: &str) -> Option<&Node> {
        self.entries.get(&self.key(path)).map(|entry| &entry.node)
    }

    /// The path that a link at `path` leads to; else `path`.
    pub(crate) fn followed(&self, path: &str) -> String {
        match self.node(path) {
            Some(Node::Link(target)) => target.clone(),
            _ => path.to_owned(),
        }
    }

    /// The file that a path leads to.
    pub(crate) fn file(&self, path: &str) -> Option<FileId> {
        match self.node(&self.followed(path))? {
            Node::File(file) => Some(*file),
            Node::Directory | Node::Link(_) => None,
        }
    }

    pub(crate) fn is_directory(&self, path: &str) -> bool {
        self.node(&self.followed(path)) == Some(&Node::Directory)
    }

    pub(crate) fn content(&self, path: &str) -> Option<&[u8]> {
        Some(&self.files[self.file(path)?].content)
    }

    /// Whether a file that starts with these bytes was taken away.
    pub(crate) fn has_taken_start(&self, start: &[u8]) -> bool {
        self.taken.iter().any(|(_, taken)| taken.starts_with(start))
    }

    /// The size of a file, as the server shows it.
    pub(crate) fn shown_size(&self, file: FileId) -> usize {
        let File { content, size_known_at, .. } = &self.files[file];
        match size_known_at {
            Some(at) if *at > Instant::now() => 0,
            _ => content.len(),
        }
    }

    pub(crate) fn mode(&self, file: FileId) -> u32 {
        self.files[file].mode
    }

    pub(crate) fn set_mode(&mut self, file: FileId, mode: u32) {
        self.files[file].mode = mode;
    }

    /// From now on, the size of a file is 0 for some time.
    pub(crate) fn hide_size(&mut self, file: FileId, during: Duration) {
        self.files[file].size_known_at = Some(Instant::now() + during);
    }

    pub(crate) fn add_directory(&mut self, path: &str) {
        self.insert(path, Node::Directory);
    }

    pub(crate) fn add_link(&mut self, path: &str, target: &str) {
        self.insert(path, Node::Link(target.to_owned()));
    }

    pub(crate) fn add_file(&mut self, path: &str, content: Vec<u8>, mode: u32) -> FileId {
        let file = self.files.len();
        self.files.push(File { content, mode, size_known_at: None });
        self.insert(path, Node::File(file));
        file
    }

    /// Opens a file for writing, and creates it if there is none.
    pub(crate) fn open(&mut self, path: &str) -> FileId {
        self.file(path).unwrap_or_else(|| {
            let path = self.followed(path);
            self.add_file(&path, Vec::new(), NEW_MODE)
        })
    }

    pub(crate) fn truncate(&mut self, file: FileId, length: usize) {
        self.files[file].content.truncate(length);
    }

    pub(crate) fn bytes(&self, file: FileId) -> &[u8] {
        &self.files[file].content
    }

    pub(crate) fn length(&self, file: FileId) -> usize {
        self.files[file].content.len()
    }

    /// Writes at an offset that is the end of the file. Another session may have changed it.
    pub(crate) fn write(&mut self, file: FileId, offset: usize, bytes: &[u8]) {
        let content = &mut self.files[file].content;
        if content.len() == offset {
            content.extend_from_slice(bytes);
        }
    }

    /// Renames an entry; one that has the new name is replaced.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        if let Some(entry) = self.entries.remove(&self.key(from)) {
            self.insert(to, entry.node);
        }
    }

    /// Removes an entry. Returns whether there was one that is no directory.
    pub(crate) fn remove(&mut self, path: &str) -> bool {
        let is_file = !matches!(self.node(path), None | Some(Node::Directory));
        is_file && self.entries.remove(&self.key(path)).is_some()
    }

    pub(crate) fn remove_directory(&mut self, path: &str) {
        let key = self.key(path);
        self.entries.remove(&key);
    }

    /// All paths, as they are stored.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.values().map(|entry| entry.path.as_str())
    }

    /// Takes a file away.
    pub(crate) fn take(&mut self, file: FileId) {
        let is_it = |entry: &Entry| entry.node == Node::File(file);
        let key = self.entries.iter().find(|(_, entry)| is_it(entry)).map(|(key, _)| key.clone());
        if let Some(entry) = key.and_then(|key| self.entries.remove(&key)) {
            self.taken.push((entry.path, self.files[file].content.clone()));
        }
    }

    /// Whether a file with these bytes was taken away from a path.
    pub(crate) fn has_taken(&self, path: &str, content: &[u8]) -> bool {
        let key = self.key(path);
        self.taken.iter().any(|(path, taken)| self.key(path) == key && taken == content)
    }

    /// Whether a file that was taken away from a path has the first of these bytes.
    pub(crate) fn has_taken_part(&self, path: &str, content: &[u8]) -> bool {
        let key = self.key(path);
        self.taken.iter().any(|(path, taken)| self.key(path) == key && content.starts_with(taken))
    }

    /// The names and nodes in a directory.
    pub(crate) fn children(&self, directory: &str) -> Vec<(&str, &Node)> {
        let prefix = format!("{directory}/");
        let name_start = |entry: &'_ Entry| {
            let name = entry.path.strip_prefix(&prefix)?;
            (!name.contains('/')).then_some(prefix.len())
        };
        self.entries
            .values()
            .filter_map(|entry| Some((&entry.path[name_start(entry)?..], &entry.node)))
            .collect()
    }

    /// Everything in a directory.
    pub(crate) fn snapshot(&self, directory: &str) -> Snapshot {
        let item = |path: String, node: &Node| {
            let held = match node {
                Node::File(file) => {
                    let File { content, mode, .. } = &self.files[*file];
                    Held::File { content: content.as_slice().into(), mode: *mode }
                }
                Node::Directory => Held::Directory,
                Node::Link(target) => Held::Link(target.clone()),
            };
            (self.key(&path), Item { path, held })
        };
        self.children(directory)
            .into_iter()
            .map(|(name, node)| item(format!("{directory}/{name}"), node))
            .collect()
    }
}
