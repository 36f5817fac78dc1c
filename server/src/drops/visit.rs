//! A drop as a guest has opened it.

use std::sync::OnceLock;

use protocol::guest::{AskedField, DropFacts};
use store::{DropRow, drops::UNLIMITED};
use tokio_util::sync::CancellationToken;

use super::{
    ask::{Question, Questions},
    folder::FolderTemplate,
    names::{Types, WebRoot},
};
use crate::settings::{Preset, PresetDrops};

/// A drop as a guest has opened it.
#[derive(Debug)]
pub struct Visit {
    /// The id of the drop.
    pub drop: String,
    /// The name of the preset whose server gets the files.
    pub preset: String,
    /// The title of the drop.
    pub title: String,
    /// The folder of the preset.
    pub base: String,
    /// Whether a program under the name of something else is refused.
    pub check_content: bool,
    /// The permitted types of files.
    pub types: Types,
    /// What guests are asked.
    pub questions: Questions,
    /// The folder of an arrival.
    pub template: FolderTemplate,
    /// Whether a web server may run the files.
    pub web_root: WebRoot,
    ended: CancellationToken,
    end: OnceLock<DropEnd>,
}

/// Why a drop takes no more files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DropEnd {
    /// It was withdrawn.
    #[error("the drop was withdrawn")]
    Withdrawn,
    /// Its time is over.
    #[error("the drop's time is over")]
    Over,
}

/// A drop cannot be used: what the store has of it was written by another version, or is damaged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the drop {drop} cannot be used: {reason}")]
pub struct UnusableDrop {
    /// The id of the drop.
    pub drop: String,
    /// Why.
    pub reason: String,
}

impl Visit {
    /// Opens a drop onto the server of a preset.
    ///
    /// # Errors
    /// [`UnusableDrop`].
    pub fn new(row: &DropRow, preset: &Preset, rules: PresetDrops) -> Result<Self, UnusableDrop> {
        let unusable = |reason| UnusableDrop { drop: row.id.clone(), reason };
        let template = row.terms.folder.parse::<FolderTemplate>();
        Ok(Self {
            drop: row.id.clone(),
            preset: preset.name.clone(),
            title: row.terms.title.clone(),
            base: preset.folder.clone(),
            check_content: rules.check_content,
            types: Types::parse(&row.terms.types).map_err(unusable)?,
            questions: Questions::from_json(&row.terms.ask)
                .map_err(|error| unusable(error.to_string()))?,
            template: template.map_err(|error| unusable(error.to_string()))?,
            web_root: if rules.web_root { WebRoot::Possible } else { WebRoot::No },
            ended: CancellationToken::new(),
            end: OnceLock::new(),
        })
    }

    /// Returns what the guest may know of the drop.
    #[must_use]
    pub fn facts(&self, row: &DropRow) -> DropFacts {
        let limits = &row.terms.limits;
        let left = |max: u64, used: u64| (max < UNLIMITED).then(|| max.saturating_sub(used));
        let asked = |question: &Question| AskedField {
            key: question.key.clone(),
            label: question.label.clone(),
            required: question.required,
        };
        DropFacts {
            title: row.terms.title.clone(),
            note: row.terms.note.clone(),
            expires_millis: row.terms.expires_ms,
            files_left: left(limits.files, row.used.files),
            bytes_left: left(limits.bytes, row.used.bytes),
            max_file_bytes: left(limits.file_bytes, 0),
            types: self.types.endings().to_vec(),
            ask: self.questions.all().iter().map(asked).collect(),
        }
    }

    /// Notes that the drop has ended. The first reason counts.
    pub fn set_ended(&self, end: DropEnd) {
        let _has_ended_before = self.end.set(end);
        self.ended.cancel();
    }

    /// Waits until the drop has ended.
    pub async fn ended(&self) -> DropEnd {
        self.ended.cancelled().await;
        self.end().unwrap_or(DropEnd::Withdrawn)
    }

    /// Returns why the drop has ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<DropEnd> {
        self.end.get().copied()
    }
}
