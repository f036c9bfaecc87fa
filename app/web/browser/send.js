// The way of one file: announced, its parts read, signed and sent, completed. It can be walked again from any point:
// what the store has already is compared and not sent again.
import { Problem, newFileID } from "./api.js";
import { combine } from "./crc64.js";
import { put } from "./put.js";
import { aborted, backOff, linked, sleep } from "./waiting.js";

/** How often each kind of failure of a part is met, one after the other, before the file fails. */
const patience = { refused: 4, damaged: 4, large: 1, silent: 4, broken: 20, busy: 8 };
/** How often the end may show that something is missing or wrong, or the file be begun anew under another id. */
const rounds = 3;

/**
 * Fault is why a file cannot go on, in words that say how to mend it. changed: the file on the disk is not what was
 * begun.
 */
export class Fault extends Error {
  constructor(message, { changed = false } = {}) {
    super(message);
    this.changed = changed;
  }
}

const changed = () =>
  new Fault(
    "This file was changed, moved or deleted after you chose it, and nothing of it was kept. Choose it again.",
    { changed: true },
  );

/** Gone: the server has nothing of the file any more. It was discarded, or lay unfinished for too long. */
class Gone extends Error {}

/** Taken: another file of this page is kept under the same folder and name, though it has others on this device. */
class Taken extends Error {}

/** Other tells that what the server has under the id is of another file. stored: all of it is. */
export class Other extends Error {
  constructor(stored) {
    super("the server has another file under this id");
    this.stored = stored;
  }
}

/** Paused tells that a file ended as it was told: what was under way is stored. */
export class Paused extends Error {}

/**
 * Sends a file until it is stored, and returns what the server says of it. tools: api, digests, slots; place(file,
 * plan), which says whether the name that the server keeps may be; renumber(file), which gives it another; and
 * renamed(file, oldID), which is told when the file goes on under another id. file has, beside what was chosen (file,
 * handle, folder, name, size): id; begun, whether it was announced before; sums, the checksums of its parts as they
 * were read; and progress(number, bytes), arrived(number, bytes), waits(why), finishing(). signal ends it at once; halt
 * has it end by Paused as soon as what is under way is stored.
 */
export async function send(file, tools, signal, halt) {
  for (let round = 1; ; ) {
    try {
      return await walk(file, tools, signal, halt);
    } catch (e) {
      const gone = e instanceof Gone || (e instanceof Problem && (e.code === "not_found" || e.code === "conflict"));
      if (e instanceof Taken) {
        await tools.api.giveUp(file.id, { signal }).catch(() => {});
        tools.renumber(file);
      } else if (!gone || round++ === rounds) {
        throw e instanceof Gone ? new Fault("The server no longer has what was uploaded of this file. Try again.") : e;
      }
      const old = file.id;
      file.id = newFileID();
      file.begun = false;
      await tools.renamed(file, old);
    }
  }
}

async function walk(file, { api, digests, slots, place }, signal, halt) {
  const options = { signal, waits: (why) => file.waits(why) };
  const resumed = file.begun;
  file.begun = true;
  const plan = await api.announce(file, options);
  if (!place(file, plan)) throw new Taken();
  const { part_size: partSize, part_count: partCount } = plan;
  const sizeOf = (number) => Math.min(partSize, file.size - (number - 1) * partSize);

  /** What the store has, by number. */
  let there = new Map();
  let stored = plan.state === "stored" ? plan : undefined;
  const look = async () => {
    const status = await api.status(file.id, options);
    if (status.file.state === "stored") stored = status.file;
    there = new Map(status.parts.map((part) => [part.number, part]));
  };
  if (resumed && !stored) await look();
  if (resumed) await compare();

  for (let round = 1; ; round++) {
    await sendParts();
    const { sha256, offset } = await digests.digest(file.key);
    if (offset !== file.size) {
      // The worker was started anew meanwhile, and has not seen all of the file.
      file.sums = [];
      digests.forget(file.key);
      if (round === rounds) throw new Error("the checksums of the file cannot be computed");
      continue;
    }
    const pieces = file.sums.map((crc, i) => [crc, sizeOf(i + 1)]);
    const crc64nvme = combine(pieces);
    await unchanged(file);
    if (!stored) {
      file.finishing();
      try {
        stored = await api.complete(file.id, { crc64nvme, sha256 }, options);
      } catch (e) {
        if (!(e instanceof Problem)) throw e;
        if (e.code === "not_found") throw new Gone();
        if (!["incomplete", "corrupt", "lost"].includes(e.code) || round === rounds) throw e;
        await look();
        continue;
      }
    }
    if (stored.size !== file.size || stored.content?.crc64nvme !== crc64nvme) throw new Other(true);
    return stored;
  }

  /**
   * Reads what the store has, before anything is added to it: a file of the same name and size may be another. What was
   * read by this page before was compared then.
   */
  async function compare() {
    const last = Math.max(0, ...there.keys());
    for (let number = 1; number <= last; number++) {
      const known = file.sums[number - 1] !== undefined;
      if (!known) {
        file.waits("comparing");
        const free = await slots.take(signal);
        try {
          const start = (number - 1) * partSize;
          file.sums[number - 1] = (await read(file, digests, start, start + sizeOf(number))).crc;
        } finally {
          free();
        }
        if (signal.aborted) throw aborted();
      }
      const part = there.get(number);
      if (part?.size !== sizeOf(number)) continue;
      if (part.crc64nvme === file.sums[number - 1]) file.arrived(number, part.size);
      else if (!known) throw new Other(false);
    }
    file.waits(undefined);
  }

  /** Sends the parts that the store does not have. As many are in memory as there are slots. */
  async function sendParts() {
    const inner = new AbortController();
    const stop = () => inner.abort();
    signal.addEventListener("abort", stop);
    // Ends what only waits, while what is under way goes on.
    const idle = linked(inner.signal, halt);
    const sending = new Set();
    let failure;
    const fail = (e) => {
      if (halt.aborted && !inner.signal.aborted && (e instanceof Paused || e.name === "AbortError")) {
        failure ??= new Paused();
        return;
      }
      failure ??= e;
      inner.abort();
    };
    try {
      for (let number = 1; number <= partCount && !failure; number++) {
        const start = (number - 1) * partSize;
        const size = sizeOf(number);
        const before = file.sums[number - 1];
        const arrived = (crc) =>
          stored || (there.get(number)?.size === size && there.get(number).crc64nvme === crc);
        if (before !== undefined && arrived(before)) {
          file.arrived(number, size);
          continue;
        }
        const slot = { free: await slots.take(idle.signal) };
        let handed = false;
        try {
          const { bytes, crc } = await read(file, digests, start, start + size);
          if (before !== undefined && before !== crc) throw changed();
          file.sums[number - 1] = crc;
          if (arrived(crc)) {
            file.arrived(number, size);
            continue;
          }
          if (halt.aborted) throw new Paused();
          handed = true;
          const part = { number, size, crc64nvme: crc };
          const one = sendPart(file, part, bytes, { api, slots, slot }, inner.signal, idle.signal)
            .then(() => file.arrived(number, size), fail)
            .finally(() => {
              sending.delete(one);
              slot.free();
            });
          sending.add(one);
        } finally {
          if (!handed) slot.free();
        }
      }
    } catch (e) {
      fail(e);
    } finally {
      // None may come to lie at the store after this has ended.
      await Promise.all(sending);
      signal.removeEventListener("abort", stop);
      idle.release();
    }
    if (failure) throw failure;
  }
}

async function read(file, digests, start, end) {
  try {
    return await digests.read(file.key, file.file, start, end);
  } catch (e) {
    // Browsers refuse to read a file that is not any more what was chosen.
    if (e.name === "NotReadableError" || e.name === "NotFoundError") throw changed();
    throw e;
  }
}

/** Looks at the disk once more where the browser allows it: not all refuse to read a file that was changed. */
async function unchanged({ handle, size, lastModified }) {
  if (!handle) return;
  let now;
  try {
    now = await handle.getFile();
  } catch (e) {
    if (e.name === "NotFoundError" || e.name === "NotReadableError") throw changed();
    return; // No permission to look: then what was read counts.
  }
  if (now.size !== size || now.lastModified !== lastModified) throw changed();
}

/**
 * Sends one part until the store has it. It is signed anew for each try, so no signature is older than its try. signal
 * ends it, idle only what waits between two tries.
 */
async function sendPart(file, part, bytes, { api, slots, slot }, signal, idle) {
  const failures = { refused: 0, damaged: 0, large: 0, silent: 0, broken: 0, busy: 0 };
  for (;;) {
    let signed;
    try {
      signed = await api.sign(file.id, part, { signal: idle, waits: (why) => file.waits(why) });
    } catch (e) {
      if (e instanceof Problem && e.code === "lost") return; // Stored or discarded meanwhile; the end tells which.
      throw e;
    }
    file.progress(part.number, 0);
    let sent = 0;
    const status = await put(signed, bytes, (loaded) => file.progress(part.number, (sent = loaded)), signal);
    if (status >= 200 && status < 300) {
      slots.widen();
      return;
    }
    file.progress(part.number, 0);
    const kind = kindOf(status, sent);
    if (kind === "gone") return; // Completed or discarded meanwhile; the end tells which.
    if (++failures[kind] >= patience[kind]) throw new Fault(failed[kind]);
    if (kind === "broken") slots.narrow();
    if (kind === "silent" || kind === "broken" || kind === "busy") {
      file.waits(kind === "busy" ? "busy" : "network");
      await sleep(backOff(failures[kind]), idle, "online");
      if (kind === "broken") {
        // Behind the others: as many as may be under way now.
        slot.free();
        slot.free = () => {};
        slot.free = await slots.take(idle);
      }
      file.waits(undefined);
    }
  }
}

/** sent is how many bytes were on their way when it failed. */
function kindOf(status, sent) {
  // A request that is not allowed, or kept from the store, sends nothing. One that did has lost its network: a phone
  // left it, or was locked.
  if (status === 0) return sent > 0 ? "broken" : "silent";
  if (status === 408) return "broken"; // its bytes stopped coming
  if (status === 403 || status === 401) return "refused";
  if (status === 404) return "gone";
  if (status === 413) return "large"; // No store's answer to a part, but a proxy's, nginx's from 1 MiB on.
  if (status === 429 || status >= 500) return "busy";
  return "damaged"; // 400 or 422: other bytes than were signed
}

const failed = {
  refused: "The storage rejected the upload. Try again. If that does not help, contact whoever runs this site.",
  damaged:
    "The upload was damaged several times on its way: something between this device and the storage changes it. " +
    "Try again, on another network if you can.",
  large:
    "Something in front of the storage, such as a proxy, lets no parts of this size through. Contact whoever runs " +
    "this site.",
  silent:
    "This browser cannot reach the site’s storage. A network filter or a browser extension may block it, or the " +
    "storage does not allow this site (CORS). Try again, or contact whoever runs this site.",
  broken: "The connection broke again and again. Try again, on another network if you can.",
  busy: "The storage is busy. Try again in a few minutes.",
};
