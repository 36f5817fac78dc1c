//! Carries out the effects of the core.

use std::rc::Rc;

use protocol::{ClientMessage, UploadId, client};
use wasm_bindgen_futures::JsFuture;

use super::App;
use crate::{
    page::{Effect, Event},
    queue::Row,
    shell::{dom::spawn, recents},
};

impl App {
    pub(super) fn carry_out(self: &Rc<Self>, effect: Effect) {
        match effect {
            Effect::OpenSocket(session) => self.open_socket(session.as_deref()),
            Effect::CloseSocket => self.close_socket(),
            Effect::Send(message) => self.send_message(&message),
            Effect::Connect(destination, trusted_certificate) => {
                let password = self.views.borrow().password();
                self.send_message(&ClientMessage::Connect(client::Connect {
                    host: destination.host,
                    port: destination.port,
                    encryption: destination.encryption,
                    username: destination.username,
                    password,
                    trusted_certificate,
                }));
            }
            Effect::Remember(recent) => recents::remember(&self.dom, recent),
            Effect::Announce(sentence) => self.views.borrow_mut().announce(sentence),
            Effect::CheckFile(upload, row) => self.check_file(upload, row),
            Effect::Digest(job) => {
                if let Some(file) = self.file(job.row) {
                    self.file_worker.digest(&job, &file);
                }
            }
            Effect::StopDigest(upload) => self.file_worker.stop(upload),
            Effect::ForgetRows(rows) => {
                let mut files = self.files.borrow_mut();
                for row in rows {
                    if let Some(file) = files.get_mut(row.0) {
                        *file = None;
                    }
                }
            }
        }
    }

    /// Reads a byte of a file. The browser refuses that if the file has changed since it was picked.
    fn check_file(self: &Rc<Self>, upload: UploadId, row: Row) {
        let Some(file) = self.file(row) else { return };
        let app = self.clone();
        spawn(async move {
            let is_readable = match file.slice_with_i32_and_i32(0, 1) {
                Ok(byte) => JsFuture::from(byte.array_buffer()).await.is_ok(),
                Err(_) => false,
            };
            app.handle(if is_readable {
                Event::FileReadable(upload)
            } else {
                Event::FileUnreadable(upload, row)
            });
        });
    }
}
