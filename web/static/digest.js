// Makes the digests of files, beside their sending: a worker of the page's program.
//
// It reads each file by itself, so that no byte of it passes the page's thread. Files take turns in
// the order in which they are sent, and none is read further than a little ahead of its sending:
// what was just sent is still in the system's cache, and the sending is not starved.
//
// A small file is read once: its bytes go to the page with their digest, and from there to the
// portal. To read is to ask the browser's other processes, which costs more than so few bytes.
//
// In come ["load", glue, wasm], ["make", [upload, algorithm, file, whole, ...offsets]...],
// ["reach", upload, offset] and ["stop", upload]; `whole` asks for the bytes of a small file. Out go
// lists of [upload, offset, digest, bytes]. The digest is `null` when the file cannot be read, and
// the list is `null` when there is no worker.

// Read at once. Larger pieces are read faster, and hold up the other files longer.
const PIECE_BYTES = 4 << 20;
// How far the digest may be ahead of the sending.
const LEAD_BYTES = 16 << 20;
// While there is more to do, what was made is told of this often: small files share a message.
const TELL_MILLIS = 10;
// Small files that are read at the same time: each waits for other processes most of its time.
const SMALL_AT_ONCE = 16;

const jobs = [];
let small = [];
const reached = new Map();
let made = [];
let told_at = 0;
let Digest;
let busy = false;

const receive = {
  async load(glue, wasm) {
    try {
      const program = await import(glue);
      await program.default({ module_or_path: wasm });
      Digest = program.Digest;
      work();
    } catch (reason) {
      console.warn(reason);
      postMessage(null);
    }
  },
  make(...wanted) {
    for (const [upload, algorithm, file, whole, ...offsets] of wanted) {
      if (whole) {
        small.push({ upload, algorithm, file });
      } else {
        // What lies before the last offset is on the server: no sending will ever reach it.
        reached.set(upload, Math.max(reached.get(upload) ?? 0, ...offsets));
        const at = Math.min(...offsets);
        jobs.push({ upload, algorithm, file, offsets, at, digests: new Map() });
      }
    }
    work();
  },
  reach(upload, offset) {
    reached.set(upload, offset);
    work();
  },
  stop(upload) {
    reached.delete(upload);
    for (const job of jobs.filter((job) => job.upload === upload)) end(job);
    small = small.filter((job) => job.upload !== upload);
  },
};

onmessage = ({ data: [kind, ...rest] }) => receive[kind](...rest);

async function work() {
  if (busy || !Digest) return;
  busy = true;
  for (let job = next(); job || small.length > 0; job = next()) {
    await Promise.all(small.splice(0, SMALL_AT_ONCE).map(read_whole));
    try {
      if (job) await step(job);
    } catch (reason) {
      if (jobs.includes(job)) tell(job, job.offsets[0], null);
      end(job);
    }
    if (performance.now() - told_at >= TELL_MILLIS) flush();
  }
  flush();
  busy = false;
}

// The first job that is not too far ahead.
function next() {
  return jobs.find((job) => job.at <= (reached.get(job.upload) ?? 0) + LEAD_BYTES);
}

// Reads all of a small file.
async function read_whole(job) {
  try {
    const bytes = new Uint8Array(await job.file.arrayBuffer());
    if (bytes.length !== job.file.size) throw new Error("the file is shorter now");
    const digest = Digest.begin(job.algorithm);
    digest.update(bytes);
    tell(job, 0, digest.finish(), bytes);
  } catch (reason) {
    tell(job, 0, null);
  }
}

// Reads one piece; each offset in it begins a digest.
async function step(job) {
  const end_of_piece = Math.min(job.at + PIECE_BYTES, job.file.size);
  const piece = new Uint8Array(await job.file.slice(job.at, end_of_piece).arrayBuffer());
  if (!jobs.includes(job)) return;
  if (piece.length !== end_of_piece - job.at) throw new Error("the file is shorter now");
  for (const offset of job.offsets) {
    if (offset >= job.at && offset <= end_of_piece && !job.digests.has(offset)) {
      job.digests.set(offset, Digest.begin(job.algorithm));
    }
    job.digests.get(offset)?.update(piece.subarray(Math.max(0, offset - job.at)));
  }
  job.at = end_of_piece;
  if (job.at < job.file.size) return;
  for (const [offset, digest] of job.digests) tell(job, offset, digest.finish());
  job.digests.clear();
  end(job);
}

function tell(job, offset, digest, bytes) {
  made.push([job.upload, offset, digest, bytes]);
}

function end(job) {
  const place = jobs.indexOf(job);
  if (place < 0) return;
  for (const digest of job.digests.values()) digest.free();
  jobs.splice(place, 1);
}

function flush() {
  const bytes = made.flatMap(([, , , bytes]) => (bytes ? [bytes.buffer] : []));
  if (made.length > 0) postMessage(made, bytes);
  made = [];
  told_at = performance.now();
}
