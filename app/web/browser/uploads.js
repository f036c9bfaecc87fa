// All files of the page, and what becomes of them. It knows nothing of how that is shown: it dispatches events.
import { Problem, newFileID } from "./api.js";
import { Upload } from "./file.js";
import { refusalOf, refusals } from "./refusals.js";
import { Fault, Other, Paused, send } from "./send.js";
import { alike, hasDigest } from "./twins.js";
import { Slots } from "./waiting.js";
import { cleanPath, numbered, pathOf } from "./words.js";

/**
 * How many files are under way at once, and how many parts: each part is in memory until it is stored, so 4 of 8 MiB,
 * and browsers open 6 connections to a host.
 */
const filesAtOnce = 4;
const partsAtOnce = 4;

/**
 * Uploads are all of them. Events: "list" when one comes or goes, "change" with the upload as detail, "other" with the
 * upload as detail whose file turned out to be another, "end" when nothing is left to do.
 */
export class Uploads extends EventTarget {
  all = [];
  /** Whether the last file failed because the receipt opens nothing any more. */
  closed = false;
  #limits;
  #digests;
  #ledger;
  #slots = new Slots(partsAtOnce);
  #running = new Map();
  /** How many are being discarded. */
  #leaving = 0;
  /** Files are added one call after the other. */
  #adding = Promise.resolve();
  /** What is stored at the server, by its path as it is kept: { size, sha256 }. */
  #stored = new Map();
  /** Whose the paths are that the server keeps. */
  #places = new Map();
  /** For a file that was compared with unfinished ones, which of them it is not. */
  #compared = new WeakMap();
  #api;
  #receipt;
  /** What the person has stored, beside what is here. */
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

  /** Whether something is under way, and does not only wait for the network or another tab. */
  get moving() {
    return this.all.some((u) => (u.state === "sending" || u.state === "finishing") &&
      u.held !== "network" && u.held !== "elsewhere");
  }

  /** Whether files are chosen that nobody has sent. */
  get unsent() {
    return this.all.some((u) => u.state === "chosen");
  }

  /** Takes what the person has stored: so the limits are kept before the first byte, and nothing is sent twice. */
  had(stored) {
    this.#had = { files: stored.length, bytes: stored.reduce((sum, f) => sum + f.size, 0) };
    for (const { folder = "", name, size, damage, content } of stored) {
      const path = cleanPath(pathOf({ folder, name }));
      if (content && !damage) this.#stored.set(path, [...(this.#stored.get(path) ?? []), { size, ...content }]);
    }
    this.#judge();
  }

  /**
   * Adds what an earlier page has begun. What the browser has kept, or may open again, waits only to be resumed.
   * elsewhere is what other tabs are sending, by id.
   */
  async restore(records, elsewhere = {}) {
    for (const record of records) {
      const upload = this.#make(record);
      upload.begun = true;
      upload.state = elsewhere[upload.id] ? "elsewhere" : upload.file ? "paused" : "missing";
      if (upload.state === "elsewhere") upload.follow(elsewhere[upload.id].state, elsewhere[upload.id].sent);
      else if ((await upload.handle?.queryPermission?.({ mode: "read" })) === "granted") await this.reopen(upload);
    }
    this.#tell("list");
  }

  /** Takes what other tabs are sending now. What none sends any more is stored, or waits for its file. */
  async follow(elsewhere) {
    for (const upload of this.all.filter((u) => u.state === "elsewhere")) {
      const there = elsewhere[upload.id];
      if (there) {
        upload.follow(there.state, there.sent);
        continue;
      }
      upload.reset();
      const { file } = await this.#api.status(upload.id).catch(() => ({}));
      upload.set(file?.state === "stored" ? "stored" : "missing");
    }
    this.#tell("list");
  }

  /** What this tab is sending, for the others: { id: { state, sent } }. */
  get sending() {
    const files = this.all.filter((u) => u.unfinished && u.held !== "elsewhere");
    return Object.fromEntries(files.map((u) => [u.id, { state: u.state, sent: u.sent }]));
  }

  /**
   * Opens a file of an earlier page again, and asks for the permission where that is needed. Returns whether it may be
   * the same file: its checksums show whether it is.
   */
  async reopen(upload) {
    try {
      const { handle } = upload;
      if ((await handle.requestPermission({ mode: "read" })) !== "granted") return false;
      const file = await handle.getFile();
      if (file.size !== upload.size) return false;
      upload.attach({ file, handle, lastModified: file.lastModified });
      upload.set("paused");
      return true;
    } catch {
      return false;
    }
  }

  /**
   * Adds chosen files: { file, folder, name, handle }. One that was begun before is resumed; one that is listed already
   * or stored is left out. Resolves to what became of them: { added, refused, resumed, listed, stored, elsewhere },
   * lists of what has a folder and a name.
   */
  add(chosen) {
    const added = this.#adding.then(() => this.#add(chosen));
    this.#adding = added.catch(() => {});
    return added;
  }

  async #add(chosen) {
    const report = { added: [], resumed: [], listed: [], stored: [], elsewhere: [] };
    const byPath = new Map();
    const index = (u) => {
      const path = cleanPath(pathOf(u));
      byPath.set(path, [...(byPath.get(path) ?? []), u]);
    };
    this.all.forEach(index);
    for (const { file, folder = "", name, handle } of chosen) {
      const { size, lastModified } = file;
      const path = cleanPath(pathOf({ folder, name }));
      const twins = (byPath.get(path) ?? []).filter((u) => this.all.includes(u));
      const same = twins.filter((u) => u.size === size);
      const stale = twins.find((u) => u.state === "failed" && u.changed);
      const from = { file, folder, name, handle, size, lastModified };
      if (same.some((u) => u.state === "elsewhere")) {
        report.elsewhere.push(from);
      } else if (await this.#isListed(from, same)) {
        report.listed.push(from);
      } else if (await this.#isStored(file, path)) {
        report.stored.push(from);
      } else if (this.#resume(from, same)) {
        report.resumed.push(from);
      } else if (stale) {
        // What is on the disk now, under a new id: nothing of the two is mixed.
        Object.assign(stale, { id: newFileID(), size, changed: false, begun: false });
        stale.reset();
        stale.attach(from);
        stale.set("chosen");
        report.added.push(stale);
      } else {
        const upload = this.#make(from);
        index(upload);
        report.added.push(upload);
      }
    }
    this.#judge();
    this.#tell("list");
    this.#pump();
    report.refused = report.added.filter((u) => u.state === "refused");
    report.added = report.added.filter((u) => u.state !== "refused");
    return report;
  }

  /** Reports whether a file is listed already, from the same place on this device. */
  async #isListed({ file, folder, name }, twins) {
    for (const u of twins) {
      const here = u.file && !u.changed && u.folder === folder && u.name === name;
      if (here && (await alike(u.file, file))) return true;
    }
    return false;
  }

  /** Reports whether a file is stored already. It is read only where one of its path and size is. */
  async #isStored(file, path) {
    for (const { size, sha256 } of this.#stored.get(path) ?? []) {
      if (size === file.size && (await hasDigest(file, sha256, this.#digests))) return true;
    }
    return false;
  }

  /** Goes on with an unfinished file of the same path and size, if there is one that the file may be. */
  #resume(from, twins) {
    const not = this.#compared.get(from.file) ?? new Set();
    const missing = twins.filter((u) => u.state === "missing" && !not.has(u.id));
    const upload = missing.find((u) => u.lastModified === from.lastModified) ?? missing[0];
    if (!upload) return undefined;
    upload.attach(from);
    this.#ledger.put(this.#receipt, [upload]);
    upload.set("waiting");
    return upload;
  }

  /** Opens the way to the server for a person. */
  connect(api, receipt) {
    this.#api = api;
    this.#receipt = receipt;
  }

  /** Sends what is chosen. */
  async start() {
    await this.#adding;
    const chosen = this.all.filter((u) => u.state === "chosen");
    for (const u of chosen) u.set("waiting");
    this.#tell("list");
    await this.#ledger.put(this.#receipt, chosen);
    this.#pump();
  }

  /** Pauses files. What is under way of one is still sent, because it would have to be sent again. */
  pause(...uploads) {
    for (const u of uploads) {
      if (u.state !== "waiting" && u.state !== "sending") continue;
      const run = this.#running.get(u);
      if (run && u.moving) {
        u.set("pausing");
        run.halt.abort();
      } else {
        u.set("paused");
        run?.abort();
      }
    }
    this.#pump();
  }

  /** Lets paused and failed ones go on. */
  resume(...uploads) {
    for (const u of uploads) {
      if (["pausing", "paused"].includes(u.state) || (u.state === "failed" && !u.changed)) u.set("waiting");
    }
    this.#pump();
  }

  /** Takes a file out of the list, and discards what the server has of it. */
  async remove(upload) {
    this.all.splice(this.all.indexOf(upload), 1);
    const running = this.#running.get(upload);
    running?.abort();
    // Until the server has been told, the page is not to be left.
    const { begun } = upload;
    if (begun) this.#leaving++;
    this.#judge();
    this.#tell("list");
    this.#pump();
    await running?.ended;
    await this.#forget(upload);
    if (begun) this.#leaving--;
    this.#tell("list");
    this.#pump();
  }

  /** Begins anew for another receipt: what was stored for the former is sent again. */
  restart() {
    for (const u of this.all) {
      if (u.state === "refused") continue;
      Object.assign(u, { id: newFileID(), begun: false, sentName: undefined });
      u.reset();
      u.set("chosen");
    }
    this.#places.clear();
    this.#judge();
  }

  async #forget(upload) {
    this.#digests.forget(upload.key);
    await this.#ledger.remove([upload.id]);
    if (!upload.begun || upload.state === "stored") return;
    // Where that fails, it is stored after all, or the server removes it after a day.
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

  /** Sees which of those that were not begun would be refused. */
  #judge() {
    const limits = this.#limits;
    let { files, bytes } = this.#had;
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
      const refusal = refusalOf(u.size, { files, bytes }, fresh, limits);
      if (!refusal) {
        files++;
        bytes += u.size;
        fresh.files++;
        fresh.bytes += u.size;
      }
      if (refusal === u.refusal) continue;
      u.refusal = refusal;
      u.set(refusal ? "refused" : "chosen", refusal && refusals[refusal].row(limits));
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
    const over = this.#running.size === 0 && this.#leaving === 0 && !this.busy;
    if (over && this.all.some((u) => u.state === "stored" || u.state === "failed")) this.#tell("end");
  }

  #run(upload) {
    const run = Object.assign(new AbortController(), { halt: new AbortController() });
    this.#running.set(upload, run);
    upload.set("sending");
    run.ended = this.#send(upload, run.signal, run.halt.signal)
      .then(
        (stored) => !run.signal.aborted && this.#done(upload, stored),
        (e) => !run.signal.aborted && this.#failed(upload, e),
      )
      .then(() => {
        this.#running.delete(upload);
        this.#pump();
      });
  }

  async #send(upload, signal, halt) {
    const tools = {
      api: this.#api,
      digests: this.#digests,
      slots: this.#slots,
      place: (u, plan) => this.#place(u, plan),
      renumber: (u) => this.#renumber(u),
      renamed: async (u, old) => {
        await this.#ledger.remove([old]);
        await this.#ledger.put(this.#receipt, [u]);
      },
    };
    let begun = false;
    const work = () => {
      begun = true;
      return send(upload, tools, signal, halt);
    };
    // The same file in two tabs: one sends it, and the other finds it stored.
    const name = `dossier-file-${upload.id}`;
    try {
      return await navigator.locks.request(name, { ifAvailable: true }, async (lock) => {
        if (lock) return work();
        upload.waits("elsewhere");
        return navigator.locks.request(name, { signal }, work);
      });
    } catch (e) {
      // There are none on pages over plain HTTP, and where the site may keep nothing, browsers refuse them.
      if (begun || signal.aborted) throw e;
      return work();
    }
  }

  /**
   * Reports whether a file may be kept under the path that the server makes of its own: not if that became the same as
   * another file's. Two with the same content would be kept as one.
   */
  #place(upload, { folder = "", name }) {
    const key = pathOf({ folder, name });
    const place = this.#places.get(key) ?? { path: pathOf(upload), count: 1 };
    this.#places.set(key, place);
    if (place.path === pathOf(upload) || upload.sentName) return true;
    upload.place = place;
    return false;
  }

  /** Numbers a file whose path is taken. */
  #renumber(upload) {
    do {
      upload.sentName = numbered(upload.name, ++upload.place.count);
    } while (this.#places.has(cleanPath(pathOf({ folder: upload.folder, name: upload.sentName }))));
  }

  async #done(upload, { id }) {
    upload.twin = id !== upload.id;
    upload.set("stored");
    this.#digests.forget(upload.key);
    await this.#ledger.remove([upload.id]);
  }

  async #failed(upload, e) {
    if (e instanceof Paused) {
      // Told to go on meanwhile, it waits for its turn again.
      if (upload.state === "pausing") upload.set("paused");
      return;
    }
    if (e instanceof Other) {
      await this.#part(upload, e);
      return;
    }
    if (e instanceof Fault && e.changed) {
      upload.changed = true;
      upload.set("failed", e.message);
      // What arrived of it belongs to no file any more.
      await this.#forget(upload);
      upload.begun = false;
      return;
    }
    // Nothing is told of what the receipt no longer opens: it may have been deleted.
    this.closed = e instanceof Problem && (e.code === "unauthorized" || e.code === "expired");
    upload.set("failed", e instanceof Fault ? e.message : e instanceof Problem ? wordsOf(e) : wordsOfError(e));
  }

  /** Parts an unfinished file from one of the same path and size that turned out to be another, which is then sent. */
  async #part(upload, { stored }) {
    const from = { ...pick(upload), begun: false };
    this.#compared.set(from.file, (this.#compared.get(from.file) ?? new Set()).add(upload.id));
    this.#digests.forget(upload.key);
    upload.attach();
    upload.set(stored ? "stored" : "missing");
    const twins = this.all.filter((u) => u.size === from.size && pathOf(u) === pathOf(upload));
    let other = this.#resume(from, twins);
    if (!other) {
      other = this.#make(from);
      other.set("waiting");
    }
    if (stored) await this.#ledger.remove([upload.id]);
    await this.#ledger.put(this.#receipt, stored ? [other] : [upload, other]);
    this.#tell("list");
    this.#tell("other", upload);
  }
}

const pick = ({ folder, name, size, lastModified, file, handle }) => ({
  folder, name, size, lastModified, file, handle,
});

const wordsOfError = (e) => `An unexpected error occurred in this browser: “${e.message}”. Reload the page.`;

function wordsOf(problem) {
  switch (problem.code) {
    case "unauthorized":
      return "This receipt no longer opens. If you replaced its link, open the new one: unfinished files can be " +
        "resumed there. The submission may also have been deleted.";
    case "expired":
      return problem.message;
    case "quota":
      return `${problem.message} Remove files here that you do not need, and try again.`;
    case "internal":
      return `${problem.message} If you ask for help, quote this request: ${problem.requestID}.`;
  }
  return problem.message;
}
