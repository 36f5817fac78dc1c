// Computes the digests of files for the page's program, as a worker.
//
// The page sends large files as Blobs, which the browser reads by itself: a socket takes those several
// times faster than bytes that a script has read. So the worker reads the file a second time, for the
// digest alone, and only up to the last byte that the page has sent.
//
// Small files are read in batches, and their bytes are posted to the page, which sends them: a read is
// a round trip to other processes of the browser, which takes longer than the transfer of so few bytes.
//
// Messages to the worker:
// - ["load", glue, wasm]: the addresses of the digest module.
// - ["digest", [upload, algorithm, file, whole, ...offsets]...]: compute digests of the file, one
//   from each offset to its end. `whole`: it is a small file, whose bytes are wanted too.
// - ["sent", upload, to]: the page has sent the file's bytes before `to`.
// - ["stop", upload]: forget the upload.
//
// Messages from the worker:
// - ["digests", [upload, offset, digest, bytes]...]: `digest` is `null` if the file cannot be read.
// - null: the digest module did not load.

// The interval at which finished digests are posted while there is more work: the digests of small
// files share a message.
const POST_INTERVAL_MILLIS = 10;
// A file is checked for changes after each so many bytes, and at its end: its stream does not fail
// when the file is written to.
const CHECK_BYTES = 64 << 20;
// Small files that are read in one batch.
const SMALL_FILES_PER_BATCH = 64;

// Digests of files that are read as streams.
const jobs = [];
// Digests of small files, which are read whole.
let small_jobs = [];
// The offset up to which each upload's bytes were sent.
const sent_to = new Map();
let finished = [];
let posted_at = 0;
let Digest;
let busy = false;

const receive = {
  async load(glue, wasm) {
    try {
      const module = await import(glue);
      await module.default({ module_or_path: wasm });
      Digest = module.Digest;
      work();
    } catch (reason) {
      console.warn(reason);
      postMessage(null);
    }
  },
  digest(...wanted) {
    for (const [upload, algorithm, file, whole, ...offsets] of wanted) {
      if (whole) {
        small_jobs.push({ upload, algorithm, file });
      } else {
        // The server has everything before the last offset: the page will not send it.
        note_sent(upload, Math.max(...offsets));
        const at = Math.min(...offsets);
        jobs.push({ upload, algorithm, file, offsets, at, digests: new Map() });
      }
    }
    work();
  },
  sent(upload, to) {
    note_sent(upload, to);
    work();
  },
  stop(upload) {
    sent_to.delete(upload);
    for (const job of jobs.filter((job) => job.upload === upload)) end(job);
    small_jobs = small_jobs.filter((job) => job.upload !== upload);
  },
};

onmessage = ({ data: [kind, ...rest] }) => receive[kind](...rest);

function note_sent(upload, to) {
  sent_to.set(upload, Math.max(sent_to.get(upload) ?? 0, to));
}

// Does a little of each kind of work in turn, until there is none left.
async function work() {
  if (busy || !Digest) return;
  busy = true;
  while (small_jobs.length > 0 || next_job()) {
    if (small_jobs.length > 0) await read_batch(small_jobs.splice(0, SMALL_FILES_PER_BATCH));
    const job = next_job();
    if (job) await read_piece(job);
    if (performance.now() - posted_at >= POST_INTERVAL_MILLIS) post_finished();
  }
  post_finished();
  busy = false;
}

// Returns the first job that can read its next bytes, or has reached the end of its file.
function next_job() {
  return jobs.find((job) => job.at < (sent_to.get(job.upload) ?? 0) || job.at === job.file.size);
}

// Reads a batch of small files at once; one by one if any of them has changed.
async function read_batch(batch) {
  try {
    const bytes = await new Blob(batch.map((job) => job.file)).arrayBuffer();
    let at = 0;
    const files = batch.map((job) => bytes.slice(at, (at += job.file.size)));
    if (at !== bytes.byteLength) throw new Error("one of the files has become shorter");
    batch.forEach((job, index) => finish_small(job, new Uint8Array(files[index])));
  } catch (reason) {
    await Promise.all(batch.map(read_small));
  }
}

async function read_small(job) {
  try {
    const bytes = new Uint8Array(await job.file.arrayBuffer());
    if (bytes.length !== job.file.size) throw new Error("the file has become shorter");
    finish_small(job, bytes);
  } catch (reason) {
    finish(job, 0, null);
  }
}

function finish_small(job, bytes) {
  const digest = Digest.begin(job.algorithm);
  digest.update(bytes);
  finish(job, 0, digest.finish(), bytes);
}

// Reads and hashes the next piece of a job's stream, which takes the browser half the time of single
// reads.
async function read_piece(job) {
  try {
    job.reader ??= job.file.slice(job.at).stream().getReader();
    const piece = job.at < job.file.size ? (await job.reader.read()).value : new Uint8Array();
    if (!piece) throw new Error("the file has become shorter");
    const to = job.at + piece.length;
    if (to === job.file.size || Math.floor(job.at / CHECK_BYTES) < Math.floor(to / CHECK_BYTES)) {
      await check_unchanged(job.file);
    }
    // The upload may have been stopped during the read.
    if (jobs.includes(job)) update(job, piece);
  } catch (reason) {
    if (jobs.includes(job)) finish(job, job.offsets[0], null);
    end(job);
  }
}

// Fails if the file has changed since it was picked.
function check_unchanged(file) {
  return file.slice(0, 1).arrayBuffer();
}

// Hashes the next bytes of a job. Each offset among them begins a digest.
function update(job, piece) {
  const to = job.at + piece.length;
  for (const offset of job.offsets) {
    if (offset >= job.at && offset <= to && !job.digests.has(offset)) {
      job.digests.set(offset, Digest.begin(job.algorithm));
    }
    job.digests.get(offset)?.update(piece.subarray(Math.max(0, offset - job.at)));
  }
  job.at = to;
  if (job.at < job.file.size) return;
  for (const [offset, digest] of job.digests) finish(job, offset, digest.finish());
  job.digests.clear();
  end(job);
}

function finish(job, offset, digest, bytes) {
  finished.push([job.upload, offset, digest, bytes]);
}

function end(job) {
  const index = jobs.indexOf(job);
  if (index < 0) return;
  for (const digest of job.digests.values()) digest.free();
  // Cancelling a stream that has failed fails too.
  job.reader?.cancel().catch(() => {});
  jobs.splice(index, 1);
}

function post_finished() {
  const buffers = finished.flatMap(([, , , bytes]) => (bytes ? [bytes.buffer] : []));
  if (finished.length > 0) postMessage(["digests", ...finished], buffers);
  finished = [];
  posted_at = performance.now();
}
