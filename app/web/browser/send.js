// The way of one file: announced, its parts read, signed and sent, completed. It can be walked again from any point: what the store has
// already is compared and not sent again.
import { Problem, newFileID } from "./api.js";
import { combine } from "./crc64.js";
import { put } from "./put.js";
import { backOff, sleep } from "./waiting.js";

/** How often each kind of failure of a part is met, one after the other, before it is told. */
const patience = { refused: 4, damaged: 4, silent: 4, busy: 8 };
/** How often the end may show that something is missing or wrong, or the file be begun anew under another id. */
const rounds = 3;

/** Fault is why a file cannot go on, in words that say how to mend it. changed: the file on the disk is not what was begun. */
export class Fault extends Error {
  constructor(message, { changed = false } = {}) {
    super(message);
    this.changed = changed;
  }
}

const changed = () => new Fault("Was changed, moved or deleted on this device after it was chosen. Nothing of it is kept. Choose it again.", { changed: true });

/** Gone tells that the server has nothing of the file any more: it was given up, or lay unfinished for too long. */
class Gone extends Error {}

/**
 * Sends a file until it is stored. tools: api, digests, slots, and renamed(file, oldID), which is told when the file goes on under another id.
 * file has, beside what was chosen (file, handle, name, size): id; begun, whether it was announced before; sums, the checksums of its parts as they were
 * read; and progress(number, bytes), arrived(number, bytes), waits(why), finishing().
 */
export async function send(file, tools, signal) {
  for (let round = 1; ; round++) {
    try {
      return await walk(file, tools, signal);
    } catch (e) {
      const gone = e instanceof Gone || (e instanceof Problem && (e.code === "not_found" || e.code === "conflict"));
      if (!gone || round === rounds) throw e instanceof Gone ? new Fault("The server lost what it had of this file. Try again.") : e;
      const old = file.id;
      file.id = newFileID();
      file.begun = false;
      await tools.renamed(file, old);
    }
  }
}

async function walk(file, { api, digests, slots }, signal) {
  const options = { signal, waits: (why) => file.waits(why) };
  const resumed = file.begun;
  file.begun = true;
  const plan = await api.announce(file.id, file.name, file.size, options);
  const { part_size: partSize, part_count: partCount } = plan;

  /** What the store has, by number. */
  let there = new Map();
  let stored = plan.state === "stored" ? plan : undefined;
  const look = async () => {
    const status = await api.status(file.id, options);
    if (status.file.state === "stored") stored = status.file;
    there = new Map(status.parts.map((part) => [part.number, part]));
  };
  if (resumed && !stored) await look();

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
    const pieces = file.sums.map((crc, i) => [crc, Math.min(partSize, file.size - i * partSize)]);
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
    if (stored.size !== file.size || stored.content?.crc64nvme !== crc64nvme) {
      throw new Fault("The server has another file under this name and id. Remove it here and choose it again.", { changed: true });
    }
    return stored;
  }

  /** Sends the parts that the store does not have. As many are in memory as there are slots. */
  async function sendParts() {
    const inner = new AbortController();
    const stop = () => inner.abort();
    signal.addEventListener("abort", stop);
    const sending = new Set();
    let failure;
    const fail = (e) => {
      failure ??= e;
      inner.abort();
    };
    try {
      for (let number = 1; number <= partCount && !failure; number++) {
        const start = (number - 1) * partSize;
        const size = Math.min(partSize, file.size - start);
        const before = file.sums[number - 1];
        const arrived = (crc) => stored || (there.get(number)?.size === size && there.get(number).crc64nvme === crc);
        if (before !== undefined && arrived(before)) {
          file.arrived(number, size);
          continue;
        }
        const free = await slots.take(inner.signal);
        let handed = false;
        try {
          const { bytes, crc } = await read(file, digests, start, start + size);
          if (before !== undefined && before !== crc) throw changed();
          file.sums[number - 1] = crc;
          if (arrived(crc)) {
            file.arrived(number, size);
            continue;
          }
          handed = true;
          const one = sendPart(file, { number, size, crc64nvme: crc }, bytes, api, inner.signal)
            .then(() => file.arrived(number, size), fail)
            .finally(() => {
              sending.delete(one);
              free();
            });
          sending.add(one);
        } finally {
          if (!handed) free();
        }
      }
    } catch (e) {
      fail(e);
    } finally {
      // None may come to lie at the store after this has ended.
      await Promise.all(sending);
      signal.removeEventListener("abort", stop);
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

/** Sends one part until the store has it. It is signed anew for each try, so no signature is older than its try. */
async function sendPart(file, part, bytes, api, signal) {
  const failures = { refused: 0, damaged: 0, silent: 0, busy: 0 };
  for (;;) {
    let signed;
    try {
      signed = await api.sign(file.id, part, { signal, waits: (why) => file.waits(why) });
    } catch (e) {
      if (e instanceof Problem && e.code === "lost") return; // Stored or given up meanwhile; the end tells which.
      throw e;
    }
    const status = await put(signed, bytes, (loaded) => file.progress(part.number, loaded), signal);
    if (status >= 200 && status < 300) return;
    file.progress(part.number, 0);
    const kind = kindOf(status);
    if (kind === "gone") return; // Completed or given up meanwhile; the end tells which.
    if (++failures[kind] >= patience[kind]) throw new Fault(failed[kind]);
    if (kind === "silent" || kind === "busy") {
      file.waits(kind === "silent" ? "network" : "busy");
      await sleep(backOff(failures[kind]), signal, "online");
      file.waits(undefined);
    }
  }
}

function kindOf(status) {
  if (status === 0) return "silent";
  if (status === 403 || status === 401) return "refused";
  if (status === 404) return "gone";
  if (status === 408 || status === 429 || status >= 500) return "busy";
  return "damaged"; // 400 of S3, 422 of the site: other bytes than were signed
}

const failed = {
  refused: "The storage refuses what the site has signed. Try again; if that does not help, tell whoever runs this site.",
  damaged: "Arrived damaged several times, so something between this device and the storage changes what is sent. Try again, on another network if you can.",
  silent:
    "The site answers, but its storage cannot be reached from this browser. A network filter or an extension may block it, or the storage does not allow this site (CORS). Try again, or tell whoever runs this site.",
  busy: "The storage does not take it at the moment. Try again in a few minutes.",
};
