// Reads the files, and makes their digests on the way: a worker of the page's program.
//
// A file is read once, in the pieces in which it is sent: each piece goes to the page's thread, and
// from there to the socket, while its bytes are digested here. What the server has already, because
// an upload goes on from there, is read for the digest alone, and never ahead of what was asked for.
//
// Small files are read many at a time: to read is to ask the browser's other processes, which costs
// more than so few bytes.
//
// In come ["load", glue, wasm], ["make", [upload, algorithm, file, whole, ...offsets]...],
// ["read", ticket, upload, header, file, from, to] and ["stop", upload]; `whole` asks for the bytes
// of a small file, `header` is what stands before the piece in its frame. Out go lists of digests,
// ["made", [upload, offset, digest, bytes]...], and frames, ["read", ticket, frame]. A digest or a
// frame is `null` when the file cannot be read; a message that is `null` says that there is no worker.

// What is read for a digest alone, at once.
const PIECE_BYTES = 4 << 20;
// While there is more to do, what was made is told of this often: small files share a message.
const TELL_MILLIS = 10;
// Pieces that are as long as this are read ahead, one an upload: the browser's disk is not idle
// while the portal makes up its mind. Shorter ones belong to a slow line, and change their length.
const AHEAD_BYTES = 1 << 20;
// Uploads of which a piece is read ahead.
const MAX_AHEAD = 4;
// Small files that are read at once.
const SMALL_AT_ONCE = 64;

const orders = [];
const ahead = new Map();
const jobs = [];
let small = [];
// How far each upload was asked for.
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
  read(ticket, upload, header, file, from, to) {
    const bytes = taken_ahead(upload, from, to) ?? read_piece(file, from, to);
    orders.push({ ticket, upload, header, file, bytes, from, to });
    reached.set(upload, Math.max(reached.get(upload) ?? 0, to));
    work();
  },
  stop(upload) {
    reached.delete(upload);
    ahead.delete(upload);
    for (const job of jobs.filter((job) => job.upload === upload)) end(job);
    small = small.filter((job) => job.upload !== upload);
  },
};

onmessage = ({ data: [kind, ...rest] }) => receive[kind](...rest);

// Each kind of work has its turn, as long as there is any.
async function work() {
  if (busy || !Digest) return;
  busy = true;
  while (orders.length > 0 || small.length > 0 || next()) {
    if (orders.length > 0) await serve(orders[0]);
    if (small.length > 0) await read_small(small.splice(0, SMALL_AT_ONCE));
    const job = next();
    if (job) await step(job);
    if (performance.now() - told_at >= TELL_MILLIS) flush();
  }
  flush();
  busy = false;
}

// Hands a piece on, and digests it.
async function serve({ ticket, upload, header, file, bytes, from, to }) {
  try {
    const piece = new Uint8Array(await bytes);
    if (piece.length !== to - from) throw new Error("the file is shorter now");
    const frame = new Uint8Array(header.length + piece.length);
    frame.set(header);
    frame.set(piece, header.length);
    postMessage(["read", ticket, frame], [frame.buffer]);
    read_ahead(upload, file, to, Math.min(to + piece.length, file.size));
    const job = jobs.find((job) => job.upload === upload && from <= job.at && job.at < to);
    if (job) digest(job, piece.subarray(job.at - from));
  } catch (reason) {
    postMessage(["read", ticket, null]);
  }
  orders.shift();
}

function read_piece(file, from, to) {
  const bytes = file.slice(from, to).arrayBuffer();
  // Its fault is met when it is its turn.
  bytes.catch(() => {});
  return bytes;
}

// Begins to read what will most likely be asked for next.
function read_ahead(upload, file, from, to) {
  const is_ordered = orders.some((order) => order.upload === upload && order.from === from);
  if (is_ordered || to - from < AHEAD_BYTES || ahead.size >= MAX_AHEAD) return;
  ahead.set(upload, { from, to, bytes: read_piece(file, from, to) });
}

function taken_ahead(upload, from, to) {
  const piece = ahead.get(upload);
  ahead.delete(upload);
  return piece?.from === from && piece.to === to ? piece.bytes : undefined;
}

// The first job that has to read by itself: its digest is behind what was asked for.
function next() {
  return jobs.find((job) => job.at < bound(job) || job.at === job.file.size);
}

// What is on order is digested when it comes.
function bound(job) {
  const order = orders.find((order) => order.upload === job.upload && order.to > job.at);
  return order ? order.from : (reached.get(job.upload) ?? 0);
}

// Reads small files, in one go if each is what it was.
async function read_small(files) {
  try {
    const bytes = await new Blob(files.map((job) => job.file)).arrayBuffer();
    let at = 0;
    const pieces = files.map((job) => bytes.slice(at, (at += job.file.size)));
    if (at !== bytes.byteLength) throw new Error("one of the files is shorter now");
    files.forEach((job, place) => digest_whole(job, new Uint8Array(pieces[place])));
  } catch (reason) {
    await Promise.all(files.map(read_whole));
  }
}

// Reads all of a small file.
async function read_whole(job) {
  try {
    const bytes = new Uint8Array(await job.file.arrayBuffer());
    if (bytes.length !== job.file.size) throw new Error("the file is shorter now");
    digest_whole(job, bytes);
  } catch (reason) {
    tell(job, 0, null);
  }
}

function digest_whole(job, bytes) {
  const digest = Digest.begin(job.algorithm);
  digest.update(bytes);
  tell(job, 0, digest.finish(), bytes);
}

// Reads a piece for the digest alone.
async function step(job) {
  try {
    const to = Math.min(job.at + PIECE_BYTES, Math.max(bound(job), job.at));
    const piece = new Uint8Array(await job.file.slice(job.at, to).arrayBuffer());
    if (!jobs.includes(job)) return;
    if (piece.length !== to - job.at) throw new Error("the file is shorter now");
    digest(job, piece);
  } catch (reason) {
    if (jobs.includes(job)) tell(job, job.offsets[0], null);
    end(job);
  }
}

// Takes in the bytes that follow; each offset in them begins a digest.
function digest(job, piece) {
  const to = job.at + piece.length;
  for (const offset of job.offsets) {
    if (offset >= job.at && offset <= to && !job.digests.has(offset)) {
      job.digests.set(offset, Digest.begin(job.algorithm));
    }
    job.digests.get(offset)?.update(piece.subarray(Math.max(0, offset - job.at)));
  }
  job.at = to;
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
  if (made.length > 0) postMessage(["made", ...made], bytes);
  made = [];
  told_at = performance.now();
}
