//! Saves queues in IndexedDB, for the page after a reload or a crash.
//!
//! Each tab has a queue of its own, under its own name: one home, rows by number, and handles of
//! dropped files and folders. A transaction is atomic.

use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction,
    IdbTransactionMode, Window,
};

use super::dom::Exception;

const NAME: &str = "ferryport";
const VERSION: u32 = 1;
const HOMES: &str = "homes";
const ROWS: &str = "rows";
const HANDLES: &str = "handles";

/// The database of the page's origin.
pub(super) struct Database(IdbDatabase);

/// Changes of one queue, written in one transaction.
#[derive(Default)]
pub(super) struct Changes {
    /// The new home, as JSON.
    pub(super) home: Option<String>,
    /// Rows by number: new and changed ones as JSON, removed ones as `None`.
    pub(super) rows: Vec<(u32, Option<String>)>,
    /// New handles, by the name of the dropped file or folder.
    pub(super) handles: Vec<(String, JsValue)>,
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.home.is_none() && self.rows.is_empty() && self.handles.is_empty()
    }
}

/// A saved queue. Home and rows are JSON.
#[derive(Default)]
pub(super) struct SavedQueue {
    pub(super) home: Option<String>,
    pub(super) rows: Vec<(u32, String)>,
    pub(super) handles: Vec<(String, JsValue)>,
}

impl SavedQueue {
    /// Applies changes of rows, by number.
    pub(super) fn apply(&mut self, changes: Vec<(u32, Option<String>)>) {
        for (number, record) in changes {
            let at = self.rows.partition_point(|(known, _)| *known < number);
            let is_known = self.rows.get(at).is_some_and(|(known, _)| *known == number);
            if is_known {
                self.rows.remove(at);
            }
            if let Some(record) = record {
                self.rows.insert(at, (number, record));
            }
        }
    }
}

impl Database {
    /// Opens the database. Creates its object stores if it is new.
    pub(super) async fn open(window: &Window) -> Result<Self, Exception> {
        let factory = window.indexed_db()?.ok_or("no IndexedDB")?;
        let request = factory.open_with_u32(NAME, VERSION)?;
        let opening = request.clone();
        let upgrade = Closure::once(move |_: web_sys::Event| create_stores(&opening));
        request.set_onupgradeneeded(Some(upgrade.as_ref().unchecked_ref()));
        let database = JsFuture::from(result(&request)).await?;
        Ok(Self(database.unchecked_into()))
    }

    /// Returns the names of all queues.
    pub(super) async fn queues(&self) -> Result<Vec<String>, Exception> {
        let transaction = self.begin(IdbTransactionMode::Readonly)?;
        let keys = result(&transaction.object_store(HOMES)?.get_all_keys()?);
        let keys = JsFuture::from(keys).await?;
        Ok(keys.unchecked_into::<Array>().iter().filter_map(|key| key.as_string()).collect())
    }

    /// Loads a queue.
    pub(super) async fn load(&self, queue: &str) -> Result<SavedQueue, Exception> {
        let transaction = self.begin(IdbTransactionMode::Readonly)?;
        let home = result(&transaction.object_store(HOMES)?.get(&queue.into())?);
        let rows = Entries::request(&transaction.object_store(ROWS)?, queue)?;
        let handles = Entries::request(&transaction.object_store(HANDLES)?, queue)?;
        Ok(SavedQueue {
            home: JsFuture::from(home).await?.as_string(),
            rows: rows
                .pairs()
                .await?
                .filter_map(|(key, row)| Some((key.parse().ok()?, row.as_string()?)))
                .collect(),
            handles: handles.pairs().await?.collect(),
        })
    }

    /// Begins to write changes. The browser completes the transaction even if the page goes away.
    pub(super) fn write(&self, queue: &str, changes: &Changes) -> Result<(), Exception> {
        let transaction = self.begin(IdbTransactionMode::Readwrite)?;
        if let Some(home) = &changes.home {
            transaction.object_store(HOMES)?.put_with_key(&home.as_str().into(), &queue.into())?;
        }
        let rows = transaction.object_store(ROWS)?;
        for (number, row) in &changes.rows {
            let key = key(queue, &format!("{number:010}"));
            match row {
                Some(row) => rows.put_with_key(&row.as_str().into(), &key)?,
                None => rows.delete(&key)?,
            };
        }
        let handles = transaction.object_store(HANDLES)?;
        for (name, handle) in &changes.handles {
            handles.put_with_key(handle, &key(queue, name))?;
        }
        Ok(())
    }

    /// Removes a queue.
    pub(super) fn remove(&self, queue: &str) -> Result<(), Exception> {
        let transaction = self.begin(IdbTransactionMode::Readwrite)?;
        transaction.object_store(HOMES)?.delete(&queue.into())?;
        transaction.object_store(ROWS)?.delete(&keys_of(queue)?)?;
        transaction.object_store(HANDLES)?.delete(&keys_of(queue)?)?;
        Ok(())
    }

    fn begin(&self, mode: IdbTransactionMode) -> Result<IdbTransaction, Exception> {
        let stores = [HOMES, ROWS, HANDLES].map(JsValue::from);
        self.0.transaction_with_str_sequence_and_mode(&Array::from_iter(stores), mode)
    }
}

/// A pending request for all entries of a queue in one object store.
struct Entries {
    keys: Promise,
    values: Promise,
    /// The length of a key up to the entry's own part.
    prefix: usize,
}

impl Entries {
    fn request(store: &IdbObjectStore, queue: &str) -> Result<Self, Exception> {
        let range = keys_of(queue)?;
        Ok(Self {
            keys: result(&store.get_all_keys_with_key(&range)?),
            values: result(&store.get_all_with_key(&range)?),
            prefix: queue.len() + 1,
        })
    }

    async fn pairs(self) -> Result<impl Iterator<Item = (String, JsValue)>, Exception> {
        let keys: Array = JsFuture::from(self.keys).await?.unchecked_into();
        let values: Array = JsFuture::from(self.values).await?.unchecked_into();
        let prefix = self.prefix;
        let pairs = (0..keys.length()).filter_map(move |index| {
            let key = keys.get(index).as_string()?;
            Some((key.get(prefix..)?.to_owned(), values.get(index)))
        });
        Ok(pairs)
    }
}

fn create_stores(opening: &IdbOpenDbRequest) {
    let Ok(database) = opening.result() else { return };
    let database: IdbDatabase = database.unchecked_into();
    for store in [HOMES, ROWS, HANDLES] {
        // If a store is missing, the first transaction fails.
        let _ = database.create_object_store(store);
    }
}

/// Returns the key of an entry. Names of queues hold no `/`.
fn key(queue: &str, entry: &str) -> JsValue {
    format!("{queue}/{entry}").into()
}

/// Returns the range of all keys of a queue. `0` is the character after `/`.
fn keys_of(queue: &str) -> Result<JsValue, Exception> {
    let range = IdbKeyRange::bound(&format!("{queue}/").into(), &format!("{queue}0").into())?;
    Ok(range.into())
}

/// Returns a promise of a request's result.
///
/// It has to be called in the turn of the event loop that made the request: a promise made later
/// would miss the event, and never settle.
fn result(request: &IdbRequest) -> Promise {
    Promise::new(&mut |resolve, reject| {
        let (succeeded, failed) = (request.clone(), request.clone());
        let on_success = Closure::once_into_js(move |_: web_sys::Event| {
            let _ = resolve.call1(&JsValue::NULL, &succeeded.result().unwrap_or_default());
        });
        let on_error = Closure::once_into_js(move |event: web_sys::Event| {
            // Otherwise the browser reports it as an uncaught error of the page.
            event.prevent_default();
            let exception = failed.error().ok().flatten().map_or(JsValue::NULL, JsValue::from);
            let _ = reject.call1(&JsValue::NULL, &exception);
        });
        request.set_onsuccess(Some(on_success.unchecked_ref()));
        request.set_onerror(Some(on_error.unchecked_ref()));
    })
}
