use protocol::{ClientMessage, Stage, server::DeletedCounts};

use super::*;

mod changes;

fn refused() -> Problem {
    Problem::new(Stage::List, "no".into())
}

#[test]
fn refused_directory_leaves_the_view_where_it_was() {
    let mut remote = RemoteDirectory::default();
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
    let mut remote = RemoteDirectory::default();
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
    let mut remote = RemoteDirectory::default();
    remote.changed(Millis(1000));
    remote.changed(Millis(1100));
    assert_eq!(remote.refresh_at(), Some(Millis(1800)));
    remote.refresh();
    assert_eq!(remote.refresh_at(), None);
}

fn entry(kind: EntryKind, name: &str) -> Entry {
    let name = name.to_owned();
    Entry { name, kind, size: None, modified_millis: None, leftover_of: None }
}

fn home() -> RemoteDirectory {
    let mut remote = RemoteDirectory::default();
    remote.enter("/home".into());
    let entries = vec![
        entry(EntryKind::Directory, "docs"),
        entry(EntryKind::File, "a.txt"),
        entry(EntryKind::File, "b.txt"),
    ];
    remote.listed("/home".into(), entries, 0);
    remote
}

fn names(remote: &RemoteDirectory) -> Vec<&str> {
    (0..remote.len()).map(|row| remote.at(row).unwrap().name.as_str()).collect()
}

#[test]
fn who_goes_up_finds_the_directory_that_was_in_view() {
    let mut remote = home();
    remote.open("docs");
    remote.listed("/home/docs".into(), Vec::new(), 0);
    remote.go("/".into());
    let above = ["bin", "home", "tmp"].map(|name| entry(EntryKind::Directory, name));
    remote.listed("/".into(), above.to_vec(), 0);
    assert_eq!(remote.current().unwrap().name, "home");
}

#[test]
fn cursor_stays_in_the_list_and_on_its_entry() {
    let mut remote = home();
    remote.move_cursor(CursorMove::Previous);
    assert_eq!(remote.cursor(), 0);
    remote.move_cursor(CursorMove::Last);
    assert_eq!(remote.current().unwrap().name, "b.txt");
    remote.sort(SortOrder::NameBackwards);
    assert_eq!((remote.cursor(), names(&remote)), (1, vec!["docs", "b.txt", "a.txt"]));
    remote.seek('D');
    assert_eq!(remote.current().unwrap().name, "docs");
    remote.seek('x');
    assert_eq!(remote.current().unwrap().name, "docs");
}

#[test]
fn listing_that_is_as_before_changes_nothing_that_is_shown() {
    let mut remote = home();
    let (version, entries) = (remote.version(), remote.entries().to_vec());
    remote.refresh();
    remote.listed("/home".into(), entries, 0);
    assert_eq!(remote.version(), version);
}

#[test]
fn files_are_dropped_into_the_directory_that_they_are_over() {
    let mut remote = home();
    remote.set_drag_over(Some(0));
    assert_eq!(remote.drop_directory(), "/home/docs");
    remote.set_drag_over(Some(1));
    assert_eq!(remote.drop_directory(), "/home", "a file is no place for files");
}
