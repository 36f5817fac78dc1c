//! The icon of the tab: a ring that fills, a check, an exclamation mark. The portal serves the icons:
//! the page's content security policy permits images of its own origin only.

use web_sys::Element;

use super::super::dom::{Dom, set_attribute};
use crate::queue::{Totals, totals};

pub(super) struct IconView {
    link: Element,
    /// The addresses of the page's icon, the rings, the check and the exclamation mark.
    addresses: Vec<String>,
}

impl IconView {
    pub(super) fn new(dom: &Dom) -> Self {
        let link: Element = dom.find("icon");
        let addresses = link.get_attribute("data-icons").unwrap_or_default();
        let addresses = addresses.split(' ').map(str::to_owned).collect();
        Self { link, addresses }
    }

    pub(super) fn draw(&self, totals: &Totals) {
        let last = self.addresses.len().saturating_sub(1);
        let rings = last.saturating_sub(2);
        let index = match totals::condition(totals) {
            totals::Condition::Idle => 0,
            totals::Condition::Sending | totals::Condition::Paused => {
                let ring = totals.permille() * rings as u64 / 1000;
                1 + usize::try_from(ring).unwrap_or(0).min(rings.saturating_sub(1))
            }
            totals::Condition::Done => last.saturating_sub(1),
            totals::Condition::Attention => last,
        };
        if let Some(address) = self.addresses.get(index) {
            set_attribute(&self.link, "href", address);
        }
    }
}
