// All files of the page, and what becomes of them. It knows nothing of how that is shown: it tells by events.
import { Problem, newFileID } from "./api.js";
import { Fault, send } from "./send.js";
import { Slots } from "./waiting.js";
import { counted, humanLimit } from "./words.js";

/**
 * How many files are under way at once, and how many parts: each part is in memory until it is there, so 4 of 8 MiB, and browsers open 6
 * connections to a host.
 */
const filesAtOnce = 4;
const partsAtOnce = 4;

/**
 * Upload is one file. Its state:
 *
 *   missing  begun before; the file itself has to be chosen again
 *   chosen   to be sent when the person says so
 *   refused  not to be sent: reason says why
 *   waiting  for its turn
 *   sending, finishing
 *   paused, failed (reason), stored
 */
class Upload {
  state = "chosen";
  reason = "";
  /** Why nothing moves: "network", "busy", "elsewhere" (another tab sends it); or undefined. */
  held;
  /** Whether it was announced to the server, by this page or an earlier one. */
  begun = false;
  /** The file on the disk is not what was begun. */
  changed = false;
  sums = [];
  #arrived = new Map();
  #moving = new Map();
  #tell;

  constructor({ id = newFileID(), name, size, lastModified, file, handle }, tell) {
    Object.assign(this, { id, key: id, name, size, lastModified, file, handle });
    this.#tell = tell;
  }

  /** The bytes that are there or on their way. */
  get sent() {
    let sum = this.there;
    for (const bytes of this.#moving.values()) sum += bytes;
    return Math.min(sum, this.size);
  }

  /** The bytes that are there for certain. */
  get there() {
    if (this.state === "stored") return this.size;
    let sum = 0;
    for (const bytes of this.#arrived.values()) sum += bytes;
    return sum;
  }

  /** Whether something is still to be done for it. */
  get unfinished() {
    return ["waiting", "sending", "finishing", "paused"].includes(this.state);
  }

  set(state, reason = "") {
    Object.assign(this, { state, reason, held: undefined });
    if (state !== "sending") this.#moving.clear();
    if (state === "stored") this.#arrived.clear();
    this.#tell(this);
  }

  // What send tells.
  progress(number, bytes) {
    this.#moving.set(number, bytes);
    this.#tell(this);
  }
  arrived(number, bytes) {
    this.#moving.delete(number);
    this.#arrived.set(number, bytes);
    this.#tell(this);
  }
  waits(why) {
    if (this.held === why) return;
    this.held = why;
    this.#tell(this);
  }
  finishing() {
    this.set("finishing");
  }

  /** Forgets what was read and sent, for a file that is chosen anew. */
  reset() {
    this.sums = [];
    this.#arrived.clear();
    this.#moving.clear();
  }
}

/**
 * Uploads are all of them. Events: "list" when one comes or goes, "change" with the upload as detail, "end" when nothing is left to do.
 */
export class Uploads extends EventTarget {
  all = [];
  #limits;
  #digests;
  #ledger;
  #slots = new Slots(partsAtOnce);
  #running = new Map();
  /** How many are being given up. */
  #leaving = 0;
  #api;
  #receipt;
  /** What the person has already, beside what is here. */
  #had = { files: 0, bytes: 0 };

  constructor({ limits, digests, ledger }) {
    super();
    this.#limits = limits;
    this.#digests = digests;
    this.#ledger = ledger;
  }

  get limits() {
    return this.#limits;
  }

  /** Whether files are being sent, or will be by themselves. */
  get busy() {
    return this.#leaving > 0 || this.all.some((u) => u.unfinished);
  }

  /** Tells what the person has on the server, so that the limits are kept before the first byte. */
  had(files, bytes) {
    this.#had = { files, bytes };
    this.#judge();
  }

  /** Adds what an earlier page has begun. What the browser has kept, or may open again, waits only to be told to go on. */
  async restore(records) {
    for (const record of records) {
      const upload = this.#make(record);
      upload.begun = true;
      upload.state = upload.file ? "paused" : "missing";
      if (upload.handle && (await upload.handle.queryPermission?.({ mode: "read" })) === "granted") await this.reopen(upload);
    }
    this.#tell("list");
  }

  /** Opens a file of an earlier page again, and asks for the permission where that is needed. Returns whether it is the same file. */
  async reopen(upload) {
    try {
      if ((await upload.handle.requestPermission({ mode: "read" })) !== "granted") return false;
      const file = await upload.handle.getFile();
      if (file.size !== upload.size || file.lastModified !== upload.lastModified) return false;
      upload.file = file;
      upload.set("paused");
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Adds chosen files: { file, name, handle }. One that was begun before goes on; one that is here already is passed over. Returns how many were
   * { added, resumed, passed }.
   */
  add(chosen) {
    const names = new Map();
    for (const u of this.all) names.set(u.name, [...(names.get(u.name) ?? []), u]);
    const done = { added: 0, resumed: 0, passed: 0 };
    for (const { file, name, handle } of chosen) {
      const twins = names.get(name) ?? [];
      const same = (u) => u.size === file.size && (u.lastModified === undefined || u.lastModified === file.lastModified);
      const missing = twins.find((u) => u.state === "missing" && same(u));
      const stale = twins.find((u) => u.state === "failed" && u.changed);
      if (missing) {
        Object.assign(missing, { file, handle, lastModified: file.lastModified });
        this.#ledger.put(this.#receipt, [missing]);
        missing.set("waiting");
        done.resumed++;
      } else if (stale) {
        // What is on the disk now, under a new id: nothing of the two is mixed.
        Object.assign(stale, { id: newFileID(), file, handle, size: file.size, lastModified: file.lastModified, changed: false, begun: false });
        stale.reset();
        stale.set("chosen");
        done.added++;
      } else if (twins.some((u) => u.state !== "missing" && same(u))) {
        done.passed++;
      } else {
        names.set(name, [...twins, this.#make({ file, name, handle, size: file.size, lastModified: file.lastModified })]);
        done.added++;
      }
    }
    this.#judge();
    this.#tell("list");
    this.#pump();
    return done;
  }

  /** Opens the way to the server for a person: resumed files go on from here. */
  connect(api, receipt) {
    this.#api = api;
    this.#receipt = receipt;
  }

  /** Sends what is chosen. */
  async start() {
    const chosen = this.all.filter((u) => u.state === "chosen");
    for (const u of chosen) u.set("waiting");
    this.#tell("list");
    await this.#ledger.put(this.#receipt, chosen);
    this.#pump();
  }

  pause(...uploads) {
    for (const u of uploads) {
      if (u.state !== "waiting" && u.state !== "sending") continue;
      u.set("paused");
      this.#running.get(u)?.abort();
    }
    this.#pump();
  }

  /** Lets paused and failed ones go on. */
  resume(...uploads) {
    for (const u of uploads) {
      if (u.state === "paused" || (u.state === "failed" && !u.changed)) u.set("waiting");
    }
    this.#pump();
  }

  /** Takes a file out of the list, and gives up at the server what it has of it. */
  async remove(upload) {
    this.#leaving++;
    this.all.splice(this.all.indexOf(upload), 1);
    const running = this.#running.get(upload);
    running?.abort();
    this.#judge();
    this.#tell("list");
    this.#pump();
    await running?.ended;
    await this.#forget(upload);
    this.#leaving--;
    this.#pump();
  }

  /** Begins anew for another receipt: what was stored for the one before is sent again. */
  restart() {
    for (const u of this.all) {
      if (u.state === "refused") continue;
      Object.assign(u, { id: newFileID(), begun: false });
      u.reset();
      u.set("chosen");
    }
    this.#judge();
  }

  async #forget(upload) {
    this.#digests.forget(upload.key);
    await this.#ledger.remove([upload.id]);
    if (!upload.begun || upload.state === "stored") return;
    // What fails is stored after all, or goes by itself after a day.
    await this.#api.giveUp(upload.id).catch(() => {});
  }

  #make(of) {
    const upload = new Upload(of, (u) => this.#tell("change", u));
    this.all.push(upload);
    return upload;
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Sees who of those that were not begun would be refused, and tells them beforehand. */
  #judge() {
    const limits = this.#limits;
    let { files, bytes } = this.#had;
    const most = Math.min(limits.max_file_size, limits.max_parts * limits.max_part_size);
    // What is chosen here and not begun, against what the site has room for.
    const fresh = { files: 0, bytes: 0 };
    for (const u of this.all) {
      if (u.state !== "chosen" && u.state !== "refused") {
        if (u.state !== "failed" || u.begun) {
          files++;
          bytes += u.size;
        }
        continue;
      }
      let reason = "";
      if (limits.not_taking) reason = limits.not_taking;
      else if (u.size > most) reason = `Larger than ${humanLimit(most)}: it will not be sent.`;
      else if (files >= limits.max_files) reason = `One too many: a submission has up to ${counted(limits.max_files, "file")}. It will not be sent.`;
      else if (bytes + u.size > limits.max_total_size) reason = `Too much: a submission has up to ${humanLimit(limits.max_total_size)} in all. It will not be sent.`;
      else if (fresh.files >= limits.room_files) {
        reason = `One too many: the site takes ${counted(limits.room_files, "file")} more at the moment. ` +
          "It will not be sent.";
      } else if (fresh.bytes + u.size > limits.room_size) {
        reason = `Too much: the site takes ${humanLimit(limits.room_size)} more at the moment. It will not be sent.`;
      }
      if (!reason) {
        files++;
        bytes += u.size;
        fresh.files++;
        fresh.bytes += u.size;
      }
      if (reason !== u.reason || (u.state === "refused") !== (reason !== "")) u.set(reason ? "refused" : "chosen", reason);
    }
  }

  /** Sets so many files under way as may be at once. */
  #pump() {
    if (!this.#api) return;
    for (const u of this.all) {
      if (this.#running.size >= filesAtOnce) return;
      // One that was paused and goes on again may still be coming to its end.
      if (u.state === "waiting" && !this.#running.has(u)) this.#run(u);
    }
    if (this.#running.size === 0 && this.#leaving === 0 && !this.busy && this.all.some((u) => u.state === "stored" || u.state === "failed")) this.#tell("end");
  }

  #run(upload) {
    const controller = new AbortController();
    this.#running.set(upload, controller);
    upload.set("sending");
    controller.ended = this.#send(upload, controller.signal)
      .then(
        () => !controller.signal.aborted && this.#stored(upload),
        (e) => !controller.signal.aborted && this.#failed(upload, e),
      )
      .then(() => {
        this.#running.delete(upload);
        this.#pump();
      });
  }

  async #send(upload, signal) {
    const tools = {
      api: this.#api,
      digests: this.#digests,
      slots: this.#slots,
      renamed: async (u, old) => {
        await this.#ledger.remove([old]);
        await this.#ledger.put(this.#receipt, [u]);
      },
    };
    const work = () => send(upload, tools, signal);
    // The same file in two tabs: one sends it, and the other finds it stored.
    if (!navigator.locks) return work();
    const name = `dossier-file-${upload.id}`;
    return navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
      if (lock) return work();
      upload.waits("elsewhere");
      return navigator.locks.request(name, { signal }, work);
    });
  }

  async #stored(upload) {
    upload.set("stored");
    this.#digests.forget(upload.key);
    await this.#ledger.remove([upload.id]);
  }

  async #failed(upload, e) {
    if (e instanceof Fault && e.changed) {
      upload.changed = true;
      upload.set("failed", e.message);
      // What arrived of it belongs to no file any more.
      await this.#forget(upload);
      upload.begun = false;
      return;
    }
    upload.set("failed", e instanceof Fault ? e.message : e instanceof Problem ? wordsOf(e) : `This browser fails with “${e.message}”. Load the page again.`);
  }
}

function wordsOf(problem) {
  switch (problem.code) {
    case "unauthorized":
      return "The receipt opens nothing any more. If it was replaced, open the new link: files go on there. " +
        "The submission may have been deleted, too.";
    case "expired":
      return problem.message;
    case "quota":
      return `${problem.message} Remove files here that are not needed, and try again.`;
    case "internal":
      return `${problem.message} If you ask for help, quote this request: ${problem.requestID}.`;
  }
  return problem.message;
}
