//! The browser's store (IndexedDB): what is left of the queue when the page goes away.
//!
//! Each tab has a queue of its own in it, with a name of its own: one home, rows by number, and
//! handles of what was dropped. A transaction is one step: all of it is stored, or nothing.

use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    IdbDatabase, IdbKeyRange, IdbObjectStore, IdbOpenDbRequest, IdbRequest, IdbTransaction,
    IdbTransactionMode, Window,
};

use super::dom::Fault;

const DATABASE: &str = "ferryport";
const VERSION: u32 = 1;
const HOMES: &str = "homes";
const ROWS: &str = "rows";
const HANDLES: &str = "handles";

/// The store.
pub(super) struct Store {
    database: IdbDatabase,
}

/// What is to be stored of one queue in one step.
#[derive(Default)]
pub(super) struct Changes {
    /// The new home, as text.
    pub(super) home: Option<String>,
    /// Rows that are new or changed, as text, and rows that are gone.
    pub(super) rows: Vec<(u32, Option<String>)>,
    /// Handles by the name of what was dropped.
    pub(super) handles: Vec<(String, JsValue)>,
}

/// All of one queue.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) home: Option<String>,
    pub(super) rows: Vec<(u32, String)>,
    pub(super) handles: Vec<(String, JsValue)>,
}

impl Store {
    /// Opens the store, and lays it out when it is new.
    pub(super) async fn open(window: &Window) -> Result<Self, Fault> {
        let factory = window.indexed_db()?.ok_or("no IndexedDB")?;
        let request = factory.open_with_u32(DATABASE, VERSION)?;
        let opening = request.clone();
        let lay_out = Closure::once(move |_: web_sys::Event| lay_out(&opening));
        request.set_onupgradeneeded(Some(lay_out.as_ref().unchecked_ref()));
        let database = JsFuture::from(answer(&request)).await?;
        Ok(Self { database: database.unchecked_into() })
    }

    /// The names of all queues.
    pub(super) async fn queues(&self) -> Result<Vec<String>, Fault> {
        let transaction = self.begin(IdbTransactionMode::Readonly)?;
        let keys = answer(&transaction.object_store(HOMES)?.get_all_keys()?);
        let keys = JsFuture::from(keys).await?;
        Ok(keys.unchecked_into::<Array>().iter().filter_map(|key| key.as_string()).collect())
    }

    /// All of a queue.
    pub(super) async fn load(&self, queue: &str) -> Result<Loaded, Fault> {
        let transaction = self.begin(IdbTransactionMode::Readonly)?;
        let home = answer(&transaction.object_store(HOMES)?.get(&queue.into())?);
        let rows = All::ask(&transaction.object_store(ROWS)?, queue)?;
        let handles = All::ask(&transaction.object_store(HANDLES)?, queue)?;
        Ok(Loaded {
            home: JsFuture::from(home).await?.as_string(),
            rows: rows
                .pairs()
                .await?
                .filter_map(|(key, row)| Some((key.parse().ok()?, row.as_string()?)))
                .collect(),
            handles: handles.pairs().await?.collect(),
        })
    }

    /// Begins to store changes; the browser ends it by itself, even when the page goes away.
    pub(super) fn write(&self, queue: &str, changes: &Changes) -> Result<(), Fault> {
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
    pub(super) fn remove(&self, queue: &str) -> Result<(), Fault> {
        let transaction = self.begin(IdbTransactionMode::Readwrite)?;
        transaction.object_store(HOMES)?.delete(&queue.into())?;
        transaction.object_store(ROWS)?.delete(&all_of(queue)?)?;
        transaction.object_store(HANDLES)?.delete(&all_of(queue)?)?;
        Ok(())
    }

    fn begin(&self, mode: IdbTransactionMode) -> Result<IdbTransaction, Fault> {
        let stores = [HOMES, ROWS, HANDLES].map(JsValue::from);
        self.database.transaction_with_str_sequence_and_mode(&Array::from_iter(stores), mode)
    }
}

/// All entries of a queue in one of the object stores.
struct All {
    keys: Promise,
    values: Promise,
    prefix: usize,
}

impl All {
    fn ask(store: &IdbObjectStore, queue: &str) -> Result<Self, Fault> {
        let range = all_of(queue)?;
        Ok(Self {
            keys: answer(&store.get_all_keys_with_key(&range)?),
            values: answer(&store.get_all_with_key(&range)?),
            prefix: queue.len() + 1,
        })
    }

    async fn pairs(self) -> Result<impl Iterator<Item = (String, JsValue)>, Fault> {
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

fn lay_out(opening: &IdbOpenDbRequest) {
    let Ok(database) = opening.result() else { return };
    let database: IdbDatabase = database.unchecked_into();
    for store in [HOMES, ROWS, HANDLES] {
        // One that is missing is noticed by the first transaction.
        let _ = database.create_object_store(store);
    }
}

/// The name of a queue holds no `/`.
fn key(queue: &str, what: &str) -> JsValue {
    format!("{queue}/{what}").into()
}

/// `0` is what follows `/`.
fn all_of(queue: &str) -> Result<JsValue, Fault> {
    let range = IdbKeyRange::bound(&format!("{queue}/").into(), &format!("{queue}0").into())?;
    Ok(range.into())
}

/// A promise of what a request gives, made in the turn in which the request was: one that was
/// answered before would wait for ever.
fn answer(request: &IdbRequest) -> Promise {
    Promise::new(&mut |resolve, reject| {
        let (done, asked) = (request.clone(), request.clone());
        let succeed = Closure::once_into_js(move |_: web_sys::Event| {
            let _ = resolve.call1(&JsValue::NULL, &done.result().unwrap_or_default());
        });
        let fail = Closure::once_into_js(move |event: web_sys::Event| {
            // Handled here: it must not be reported as an error of the page.
            event.prevent_default();
            let fault = asked.error().ok().flatten().map_or(JsValue::NULL, JsValue::from);
            let _ = reject.call1(&JsValue::NULL, &fault);
        });
        request.set_onsuccess(Some(succeed.unchecked_ref()));
        request.set_onerror(Some(fail.unchecked_ref()));
    })
}
