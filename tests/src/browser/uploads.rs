//! The list `Uploads` as the page shows it.

use serde_json::Value;

use super::Page;

/// What the page shows of one upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The list item's label: the file's path.
    pub label: String,
    /// The status text, from its first word on.
    pub status: String,
    /// How far the progress bar is, in percent of its range.
    pub percent: u32,
}

impl Page {
    /// Returns the items of the list `Uploads`.
    pub async fn uploads(&self) -> Vec<Shown> {
        // The list is found by its role; its items are read by one script, because a query for each
        // of some hundred takes long.
        let Some(list) = self.all("list", "Uploads").await.into_iter().next() else {
            return Vec::new();
        };
        let function = r"function() {
            const words = /^(Queued|Uploading|Verifying|Done|Paused|Interrupted|Skipped|Failed|Needs a decision)/;
            const name = (element) => {
                const ids = element.getAttribute('aria-labelledby');
                if (!ids) return element.getAttribute('aria-label') ?? '';
                return ids.split(' ').map((id) => document.getElementById(id)?.textContent).join(' ');
            };
            return [...this.querySelectorAll('li')].map((item) => {
                const bar = item.querySelector('[role=progressbar], progress');
                const number = (attribute, otherwise) =>
                    Number(bar?.getAttribute(attribute) ?? otherwise);
                const [min, max] = [number('aria-valuemin', 0), number('aria-valuemax', 100)];
                const share = (number('aria-valuenow', 0) - min) / (max - min || 1);
                // Not `innerText`: elements far from view may not be rendered yet.
                const texts = [...item.querySelectorAll('*')]
                    .filter((element) => element.childElementCount === 0)
                    .map((element) => element.textContent.trim());
                return {
                    label: name(item),
                    status: texts.find((text) => words.test(text)) ?? '',
                    percent: Math.floor(share * 100),
                };
            });
        }";
        let shown = self.eval(&list, function, &[]).await;
        let shown = shown.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        shown
            .iter()
            .map(|item| Shown {
                label: text(&item["label"]),
                status: text(&item["status"]),
                percent: item["percent"]
                    .as_u64()
                    .and_then(|percent| percent.try_into().ok())
                    .unwrap_or(0),
            })
            .collect()
    }
}
