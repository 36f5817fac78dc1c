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
// A file is looked at again after so many bytes of it, and at its end: who reads it as a stream is
// not told that it was written to meanwhile.
const CHECK_BYTES = 64 << 20;
// Small files that are read at once.
const SMALL_AT_ONCE = 64;

let orders = [];
// Where each upload is read: the next order of it most likely goes on there.
const streams = new Map();
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
    orders.push({ ticket, upload, header, file, from, to });
    reached.set(upload, Math.max(reached.get(upload) ?? 0, to));
    work();
  },
  stop(upload) {
    reached.delete(upload);
    orders = orders.filter((order) => order.upload !== upload);
    close(upload);
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
    if (orders.length > 0) await serve(orders.shift());
    if (small.length > 0) await read_small(small.splice(0, SMALL_AT_ONCE));
    const job = next();
    if (job) await step(job);
    if (performance.now() - told_at >= TELL_MILLIS) flush();
  }
  flush();
  busy = false;
}

// Hands a piece on, and digests it.
async function serve({ ticket, upload, header, file, from, to }) {
  try {
    const frame = new Uint8Array(header.length + to - from);
    frame.set(header);
    const piece = frame.subarray(header.length);
    await fill(piece, upload, file, from);
    if (to === file.size || Math.floor(from / CHECK_BYTES) < Math.floor(to / CHECK_BYTES)) {
      await check(file);
    }
    const job = jobs.find((job) => job.upload === upload && from <= job.at && job.at < to);
    if (job) digest(job, piece.subarray(job.at - from));
    postMessage(["read", ticket, frame], [frame.buffer]);
  } catch (reason) {
    close(upload);
    postMessage(["read", ticket, null]);
  }
  // It was stopped meanwhile.
  if (!reached.has(upload)) close(upload);
}

// Reads a piece as a part of a stream: that takes the browser half of what single reads take.
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
      if (done) throw new Error("the file is shorter now");
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
  // A stream that has failed fails at this too.
  streams.get(upload)?.reader.cancel().catch(() => {});
  streams.delete(upload);
}

// Fails for a file that is not what it was when it was picked.
function check(file) {
  return file.slice(0, 1).arrayBuffer();
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
