//! Changes on the server, and their dialogs.

use super::*;

#[test]
fn new_folder_is_shown_in_its_place_before_the_server_lists_it() {
    let mut remote = home();
    remote.open_dialog(RemoteCommand::MakeDirectory);
    let message = ClientMessage::MakeDirectory { path: "/home/art".into() };
    assert_eq!(remote.confirm_dialog("art"), Some(message));
    assert_eq!(remote.confirm_dialog("art"), None, "once is enough");
    assert_eq!(remote.done("/home/other"), None);
    assert_eq!(remote.done("/home/art").unwrap(), "The folder art was created.");
    assert_eq!(names(&remote), ["art", "docs", "a.txt", "b.txt"]);
    assert_eq!(remote.current().unwrap().name, "art");
    assert!(remote.dialog().is_none());
}

#[test]
fn names_that_cannot_be_are_refused_before_the_server_is_asked() {
    let mut remote = home();
    remote.open_dialog(RemoteCommand::MakeDirectory);
    for name in ["", ".", "..", "a/b", "a.txt"] {
        assert_eq!(remote.confirm_dialog(name), None, "{name}");
        let problem = remote.dialog().unwrap().problem().unwrap();
        assert!(problem.remedy.is_some(), "{name}");
    }
}

#[test]
fn renamed_entry_keeps_the_cursor() {
    let mut remote = home();
    remote.point_at(1);
    remote.open_dialog(RemoteCommand::Rename);
    let (from, to) = ("/home/a.txt".into(), "/home/z.txt".into());
    assert_eq!(remote.confirm_dialog("z.txt"), Some(ClientMessage::Rename { from, to }));
    remote.done("/home/a.txt").unwrap();
    assert_eq!(names(&remote), ["docs", "b.txt", "z.txt"]);
    assert_eq!(remote.current().unwrap().name, "z.txt");
}

#[test]
fn unchanged_name_sends_no_request() {
    let mut remote = home();
    remote.point_at(1);
    remote.open_dialog(RemoteCommand::Rename);
    assert_eq!(remote.confirm_dialog("a.txt"), None);
    assert!(remote.dialog().is_none());
}

#[test]
fn after_a_deletion_the_next_entry_is_the_current_one() {
    let mut remote = home();
    remote.point_at(1);
    remote.open_dialog(RemoteCommand::Delete);
    assert!(remote.confirm_dialog("").is_some());
    remote.done("/home/a.txt").unwrap();
    assert_eq!(remote.current().unwrap().name, "b.txt");
    remote.open_dialog(RemoteCommand::Delete);
    remote.confirm_dialog("");
    remote.done("/home/b.txt").unwrap();
    assert_eq!(remote.current().unwrap().name, "docs");
}

#[test]
fn directory_that_holds_something_is_asked_about_again_and_goes_with_everything_in_it() {
    let mut remote = home();
    remote.open_dialog(RemoteCommand::Delete);
    let path = "/home/docs";
    let delete = |recursive| {
        Some(ClientMessage::Delete { path: path.into(), kind: EntryKind::Directory, recursive })
    };
    assert_eq!(remote.confirm_dialog(""), delete(false));
    assert!(remote.not_empty(path));
    assert!(matches!(remote.dialog().unwrap().change(), RemoteChange::DeleteAll(_)));
    assert_eq!(remote.confirm_dialog(""), delete(true));
    let (gone, left) =
        (DeletedCounts { files: 2, directories: 0 }, DeletedCounts { files: 1, directories: 1 });
    assert!(remote.refused(path, &refused(), Some((gone, Some(left)))));
    let state = change_texts::state(remote.dialog().unwrap());
    assert_eq!(state, "Already deleted: 2 files, 0 folders. Still there: 1 file, 1 folder.");
    assert_eq!(remote.confirm_dialog(""), delete(true), "once more");
}

#[test]
fn question_stands_again_when_the_connection_breaks_under_it() {
    let mut remote = home();
    remote.open_dialog(RemoteCommand::Delete);
    remote.unanswered();
    assert!(remote.dialog().unwrap().problem().is_none(), "nothing was asked of the server");
    remote.confirm_dialog("");
    remote.unanswered();
    let dialog = remote.dialog().unwrap();
    assert!(!dialog.is_pending() && dialog.problem().is_some());
}

#[test]
fn leftover_is_removed_and_never_renamed() {
    let mut remote = RemoteDirectory::default();
    remote.enter("/".into());
    let leftover_of = Some("film".to_owned());
    let leftover = Entry { leftover_of, ..entry(EntryKind::File, ".film.part") };
    remote.listed("/".into(), vec![leftover], 0);
    remote.open_dialog(RemoteCommand::Rename);
    assert!(remote.dialog().is_none());
    remote.open_dialog(RemoteCommand::Delete);
    assert_eq!(
        remote.confirm_dialog(""),
        Some(ClientMessage::Remove { path: "/.film.part".into() })
    );
}

#[test]
fn extension_of_a_file_is_not_selected_to_be_replaced() {
    let units = |kind, name| stem_units(&entry(kind, name));
    assert_eq!(units(EntryKind::File, "a b.tar.gz"), 7);
    assert_eq!(units(EntryKind::File, ".hidden"), 7);
    assert_eq!(units(EntryKind::Directory, "v1.0"), 4);
    assert_eq!(units(EntryKind::File, "😀.txt"), 2);
}
