//! Finds elements by role and accessible name, and waits for them.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Node, Page, Tab, in_tab};

/// How long an expected element may take to appear.
const APPEAR_LIMIT: Duration = Duration::from_secs(180);

/// The pause before the page is searched again.
const FIND_PAUSE: Duration = Duration::from_millis(250);

impl Page {
    /// Returns the visible elements of a role whose accessible name is `name`.
    pub async fn all(&self, role: &str, name: &str) -> Vec<Node> {
        self.query(None, role, Some(name)).await
    }

    /// Returns the element of a role and an accessible name as soon as it appears.
    ///
    /// # Panics
    /// When it does not appear.
    pub async fn find(&self, role: &str, name: &str) -> Node {
        self.until(&format!("the {role} {name:?}"), async || {
            self.all(role, name).await.into_iter().next()
        })
        .await
    }

    /// Returns such an element inside another one as soon as it appears.
    ///
    /// # Panics
    /// When it does not appear.
    pub async fn find_in(&self, parent: &Node, role: &str, name: &str) -> Node {
        self.until(&format!("the {role} {name:?} in {:?}", parent.name), async || {
            let nodes = self.query(Some(parent), role, Some(name)).await;
            nodes.into_iter().next()
        })
        .await
    }

    /// Returns the elements of a role inside another element, each with its accessible name.
    pub async fn children(&self, parent: &Node, role: &str) -> Vec<Node> {
        self.query(Some(parent), role, None).await
    }

    /// Returns the form field with a label, whatever its kind, as soon as it appears.
    ///
    /// # Panics
    /// When it does not appear.
    pub async fn field(&self, label: &str) -> Node {
        self.until(&format!("the field {label:?}"), async || {
            for role in ["textbox", "searchbox", "spinbutton", "combobox"] {
                if let Some(node) = self.all(role, label).await.into_iter().next() {
                    return Some(node);
                }
            }
            self.open_details_around(label).await;
            None
        })
        .await
    }

    /// Opens the closed part of the page that holds a field with this label, if there is one.
    async fn open_details_around(&self, label: &str) {
        self.run(&format!(
            "[...document.querySelectorAll('details:not([open]) label')]
                .find((label) => label.textContent === {label:?})
                ?.closest('details').querySelector('summary').click(); null"
        ))
        .await;
    }

    /// Waits until the page's text holds `text`.
    ///
    /// # Panics
    /// When it does not come to.
    pub async fn see(&self, text: &str) {
        self.until(&format!("the text {text:?}"), async || {
            self.all_text().await.contains(text).then_some(())
        })
        .await;
    }

    /// Waits until `ask` has an answer.
    ///
    /// # Panics
    /// When it has none for a minute; the message holds what the page shows.
    pub async fn until<T>(&self, what: &str, ask: impl AsyncFnMut() -> Option<T>) -> T {
        self.within(APPEAR_LIMIT, what, ask).await
    }

    /// Waits until `ask` has an answer, for `limit` at most.
    ///
    /// # Panics
    /// When it has none; the message holds what the page shows.
    pub async fn within<T>(
        &self,
        limit: Duration,
        what: &str,
        mut ask: impl AsyncFnMut() -> Option<T>,
    ) -> T {
        let end = Instant::now() + limit;
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            if Instant::now() > end {
                let text = self.all_text().await;
                let complaints = self.complaints();
                self.screenshot("failed").await;
                panic!("{what}: not within {limit:?}; the page shows:\n{text}\n{complaints:#?}");
            }
            sleep(FIND_PAUSE).await;
        }
    }

    /// Returns the visible elements, inside another or in the whole page.
    async fn query(&self, parent: Option<&Node>, role: &str, name: Option<&str>) -> Vec<Node> {
        in_tab!(self, tab => tab.query(parent, role, name).await)
    }
}
