// Reads files in pieces for the page's program and computes their digests, as a worker.
//
// Each piece is read once: the worker hashes it and posts it to the page's thread, which sends it to
// the portal. A part of the file that the server already has is read for the digest alone, and only
// up to the last byte that the page has requested.
//
// Small files are read in batches: a read is a round trip to other processes of the browser, which
// takes longer than the transfer of so few bytes.
//
// Messages to the worker:
// - ["load", glue, wasm]: the addresses of the digest module.
// - ["digest", [upload, algorithm, file, whole, ...offsets]...]: compute digests of the file, one
//   from each offset to its end. `whole`: it is a small file, whose bytes are wanted too.
// - ["read", ticket, upload, header, file, from, to]: read a piece into a frame behind `header`.
// - ["stop", upload]: forget the upload.
//
// Messages from the worker:
// - ["digests", [upload, offset, digest, bytes]...]: `digest` is `null` if the file cannot be read.
// - ["read", ticket, frame]: `frame` is `null` if the file cannot be read.
// - null: the digest module did not load.

// Bytes of a read for the digest alone.
const PIECE_BYTES = 4 << 20;
// The interval at which finished digests are posted while there is more work: the digests of small
// files share a message.
const POST_INTERVAL_MILLIS = 10;
// A file is checked for changes after each so many bytes, and at its end: its stream does not fail
// when the file is written to.
const CHECK_BYTES = 64 << 20;
// Small files that are read in one batch.
const SMALL_FILES_PER_BATCH = 64;

// Requested pieces, in order.
let requests = [];
// The stream of each upload: its next request usually continues where the last one ended.
const streams = new Map();
// Digests of files that are read in pieces.
const jobs = [];
// Digests of small files, which are read whole.
let small_jobs = [];
// The offset up to which each upload's pieces were requested.
const requested_to = new Map();
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
        // The server has everything before the last offset: no request will cover it.
        requested_to.set(upload, Math.max(requested_to.get(upload) ?? 0, ...offsets));
        const at = Math.min(...offsets);
        jobs.push({ upload, algorithm, file, offsets, at, digests: new Map() });
      }
    }
    work();
  },
  read(ticket, upload, header, file, from, to) {
    requests.push({ ticket, upload, header, file, from, to });
    requested_to.set(upload, Math.max(requested_to.get(upload) ?? 0, to));
    work();
  },
  stop(upload) {
    requested_to.delete(upload);
    requests = requests.filter((request) => request.upload !== upload);
    close(upload);
    for (const job of jobs.filter((job) => job.upload === upload)) end(job);
    small_jobs = small_jobs.filter((job) => job.upload !== upload);
  },
};

onmessage = ({ data: [kind, ...rest] }) => receive[kind](...rest);

// Does a little of each kind of work in turn, until there is none left.
async function work() {
  if (busy || !Digest) return;
  busy = true;
  while (requests.length > 0 || small_jobs.length > 0 || next_job()) {
    if (requests.length > 0) await serve(requests.shift());
    if (small_jobs.length > 0) await read_batch(small_jobs.splice(0, SMALL_FILES_PER_BATCH));
    const job = next_job();
    if (job) await read_for_digest(job);
    if (performance.now() - posted_at >= POST_INTERVAL_MILLIS) post_finished();
  }
  post_finished();
  busy = false;
}

// Reads a requested piece, hashes it and posts it.
async function serve({ ticket, upload, header, file, from, to }) {
  try {
    const frame = new Uint8Array(header.length + to - from);
    frame.set(header);
    const piece = frame.subarray(header.length);
    await fill(piece, upload, file, from);
    if (to === file.size || Math.floor(from / CHECK_BYTES) < Math.floor(to / CHECK_BYTES)) {
      await check_unchanged(file);
    }
    const job = jobs.find((job) => job.upload === upload && from <= job.at && job.at < to);
    if (job) update(job, piece.subarray(job.at - from));
    postMessage(["read", ticket, frame], [frame.buffer]);
  } catch (reason) {
    close(upload);
    postMessage(["read", ticket, null]);
  }
  // The upload may have been stopped during the read.
  if (!requested_to.has(upload)) close(upload);
}

// Fills `piece` from the upload's stream, which takes the browser half the time of single reads.
async function fill(piece, upload, file, from) {
  let stream = streams.get(upload);
  if (stream?.at !== from) {
    close(upload);
    stream = { at: from, reader: file.slice(from).stream().getReader(), rest: new Uint8Array() };
    streams.set(upload, stream);
  }
  for (let filled = 0; filled < piece.length; ) {
    if (stream.rest.length === 0) {
      const { done, value } = await stream.reader.read();
      if (done) throw new Error("the file has become shorter");
      stream.rest = value;
    }
    const part = stream.rest.subarray(0, piece.length - filled);
    piece.set(part, filled);
    filled += part.length;
    stream.rest = stream.rest.subarray(part.length);
  }
  stream.at += piece.length;
}

function close(upload) {
  // Cancelling a stream that has failed fails too.
  streams.get(upload)?.reader.cancel().catch(() => {});
  streams.delete(upload);
}

// Fails if the file has changed since it was picked.
function check_unchanged(file) {
  return file.slice(0, 1).arrayBuffer();
}

// Returns the first job that has to read its next bytes itself, or has reached the end of its file.
function next_job() {
  return jobs.find((job) => job.at < read_limit(job) || job.at === job.file.size);
}

// Returns the offset up to which a job reads by itself: a queued request covers the bytes after it.
function read_limit(job) {
  const next = requests.find((request) => request.upload === job.upload && request.to > job.at);
  return next ? next.from : (requested_to.get(job.upload) ?? 0);
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

// Reads the next piece of a job for the digest alone.
async function read_for_digest(job) {
  try {
    const to = Math.min(job.at + PIECE_BYTES, Math.max(read_limit(job), job.at));
    const piece = new Uint8Array(await job.file.slice(job.at, to).arrayBuffer());
    if (!jobs.includes(job)) return;
    if (piece.length !== to - job.at) throw new Error("the file has become shorter");
    update(job, piece);
  } catch (reason) {
    if (jobs.includes(job)) finish(job, job.offsets[0], null);
    end(job);
  }
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
  jobs.splice(index, 1);
}

function post_finished() {
  const buffers = finished.flatMap(([, , , bytes]) => (bytes ? [bytes.buffer] : []));
  if (finished.length > 0) postMessage(["digests", ...finished], buffers);
  finished = [];
  posted_at = performance.now();
}
