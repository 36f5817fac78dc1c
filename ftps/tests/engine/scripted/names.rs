//! Names that the server refuses: temporary ones, renames, and files that are written in place then.

use super::{Peer, read_to_end};

/// The usual conversations about names. The temporary name is the one of the last `STOR`.
impl Peer {
    /// The server refuses a transfer, and keeps its data port. Returns the refused name.
    pub(crate) async fn refuse_stor(&mut self, reply: &str) -> String {
        let _port = self.extended_passive().await;
        let command = self.command().await.unwrap();
        self.say(reply).await;
        self.answer_noop().await;
        command.strip_prefix("STOR ").expect("STOR comes").to_owned()
    }

    /// The server refuses every temporary name of a new file, the one with the extension too.
    pub(crate) async fn refuse_temporary_names(&mut self, target: &str, reply: &str) {
        let extension = target.rsplit_once('.').map_or("", |(_, extension)| extension);
        let ends = [".part".to_owned(), format!(".part.{extension}")];
        for end in ends.iter().filter(|end| !end.ends_with('.')) {
            self.expect_free(target).await;
            let refused = self.refuse_stor(reply).await;
            assert!(refused.ends_with(end), "{refused}");
        }
    }

    /// The client makes a temporary directory, which the server permits. Returns its path.
    pub(crate) async fn make_temporary_directory(&mut self) -> String {
        self.answer_mkd("257 made").await
    }

    /// The client makes a temporary directory. Returns its path.
    pub(crate) async fn answer_mkd(&mut self, reply: &str) -> String {
        let command = self.command().await.unwrap();
        let directory = command.strip_prefix("MKD ").expect("MKD comes");
        assert!(directory.contains("/ferryport-"), "{directory}");
        self.say(reply).await;
        directory.to_owned()
    }

    /// The client removes a temporary directory.
    pub(crate) async fn remove_directory(&mut self, directory: &str) {
        self.answer(&format!("RMD {directory}"), "250 gone").await;
    }

    /// A transfer of `abc` for a free name, into a temporary directory. Returns its path.
    pub(crate) async fn stor_in_directory(&mut self, target: &str) -> String {
        self.expect_free(target).await;
        let port = self.extended_passive().await;
        let directory = self.make_temporary_directory().await;
        self.keep_port(port);
        assert_eq!(self.stor_all().await, b"abc");
        let name = target.rsplit('/').next().unwrap();
        assert_eq!(self.temporary(), format!("{directory}/{name}"));
        directory
    }

    /// A whole small upload of `abc` to a free name, through a temporary directory.
    pub(crate) async fn upload_through_directory(&mut self, target: &str) {
        let directory = self.stor_in_directory(target).await;
        self.check_and_rename(target, 3).await;
        self.remove_directory(&directory).await;
    }

    /// The bytes of `abc` go to the final name from the first one on.
    pub(crate) async fn store_in_place(&mut self, target: &str) {
        assert_eq!(self.stor_all().await, b"abc");
        assert_eq!(self.temporary(), format!("/home/{target}"));
        self.answer_size(target, "213 3").await;
    }

    /// A whole small upload of `abc` to a free name, which is written in place.
    pub(crate) async fn upload_in_place(&mut self, target: &str) {
        self.expect_free(target).await;
        self.store_in_place(target).await;
    }

    /// A transfer to a server that knows no `SIZE`. `MLST` shows that the name is free.
    pub(crate) async fn stor_without_size(&mut self, target: &str) {
        self.answer_size(target, "502 unknown").await;
        self.answer_no_directory(target).await;
        let port = self.extended_passive().await;
        self.answer(&format!("MLST /home/{target}"), "550 none").await;
        self.expect_stor().await;
        self.say("150 go").await;
        read_to_end(&mut port.accept().await).await;
        self.say("226 done").await;
    }

    /// A new file is complete, the server refuses `RNFR`, and the client removes the part file.
    pub(crate) async fn give_up_renames(&mut self, target: &str, size: usize) {
        self.expect_free(target).await;
        self.stor_all().await;
        self.refuse_every_rename(target, size).await;
        self.delete_temporary().await;
    }

    /// A new file is complete, the server refuses every `RNTO`, and the client removes the part file.
    pub(crate) async fn give_up_rnto(&mut self, target: &str, size: usize) {
        self.expect_free(target).await;
        self.stor_all().await;
        self.refuse_every_rnto(target, size).await;
        self.delete_temporary().await;
    }

    /// The server refuses to give the temporary file its name. `found` is the reply to `SIZE` for that
    /// name.
    pub(crate) async fn refuse_rename(&mut self, target: &str, reply: &str, found: &str) {
        self.answer_for_temporary("RNFR", "350 to?").await;
        self.answer(&format!("RNTO /home/{target}"), reply).await;
        self.answer_size(target, found).await;
    }

    /// The server accepts no `RNTO`: not to the final name, which is free, and not to another
    /// temporary name.
    pub(crate) async fn refuse_every_rnto(&mut self, target: &str, size: usize) {
        self.answer_temporary_size(size).await;
        self.refuse_rename(target, "550 Permission denied.", "550 none").await;
        self.expect_free(target).await;
        self.answer_for_temporary("RNFR", "350 to?").await;
        let command = self.command().await.unwrap();
        let other = command.strip_prefix("RNTO ").expect("RNTO comes");
        assert!(other.ends_with(".part") && other != self.temporary(), "{other}");
        self.say("550 Permission denied.").await;
    }

    /// The server lets nothing be renamed, and the client gives the temporary name up.
    pub(crate) async fn refuse_every_rename(&mut self, target: &str, size: usize) {
        self.answer_temporary_size(size).await;
        self.answer_for_temporary("RNFR", "550 Permission denied").await;
        self.answer(&format!("RNTO /home/{target}"), "503 RNFR first").await;
        self.answer_size(target, "550 none").await;
        self.answer_temporary_size(size).await;
    }
}
