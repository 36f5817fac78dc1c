//! The state of the HTTP handlers.

use std::sync::Arc;

use crate::{portal::Portal, session::registry::Sessions};

/// The portal and its sessions; cheap to clone.
#[derive(Clone, Debug)]
pub struct App {
    /// The state that the sessions share.
    pub portal: Arc<Portal>,
    /// The sessions.
    pub sessions: Arc<Sessions>,
}

impl App {
    /// Creates an app without sessions.
    #[must_use]
    pub fn new(portal: Arc<Portal>) -> Self {
        let sessions = Sessions::new(Arc::clone(&portal));
        Self { portal, sessions }
    }
}
