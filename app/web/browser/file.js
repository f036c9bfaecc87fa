// One file of the page, and how far it is.
import { newFileID } from "./api.js";

/** What is still to be done by itself, or when the person says so. */
const unfinished = new Set(["waiting", "sending", "finishing", "pausing", "paused"]);

/**
 * Upload is one file. Its state:
 *
 *   missing    begun before; the file itself has to be chosen again
 *   elsewhere  another tab of this browser is sending it
 *   chosen     to be sent when the person says so
 *   refused    not to be sent: reason says why, refusal by which rule
 *   waiting    for its turn
 *   sending, finishing
 *   pausing    what is under way is still sent
 *   paused, failed (reason), stored
 */
export class Upload {
  state = "chosen";
  reason = "";
  refusal = "";
  /** Why nothing moves: "network", "busy", "elsewhere" (another tab sends it), "comparing"; or undefined. */
  held;
  /** Whether it was announced to the server, by this page or an earlier one. */
  begun = false;
  /** The file on the disk is not what was begun. */
  changed = false;
  /** What it is called at the server, where that is not its own name. */
  sentName;
  /** The stored file that it turned out to be, which was there before. */
  twin = false;
  sums = [];
  #arrived = new Map();
  #moving = new Map();
  #tell;

  constructor({ id = newFileID(), folder = "", name, size, lastModified, file, handle, sentName, recent }, tell) {
    Object.assign(this, { id, key: id, folder, name, size, lastModified, file, handle, sentName, recent });
    this.#tell = tell;
  }

  /** The bytes that are stored or on their way. */
  get sent() {
    let sum = this.uploaded;
    for (const bytes of this.#moving.values()) sum += bytes;
    return Math.min(sum, this.size);
  }

  /** The bytes that are stored for certain. */
  get uploaded() {
    if (this.state === "stored") return this.size;
    let sum = 0;
    for (const bytes of this.#arrived.values()) sum += bytes;
    return sum;
  }

  /** Whether a part is under way. */
  get moving() {
    return this.#moving.size > 0;
  }

  /** Whether something is still to be done for it. */
  get unfinished() {
    return unfinished.has(this.state);
  }

  set(state, reason = "") {
    Object.assign(this, { state, reason, held: undefined });
    if (state !== "sending" && state !== "pausing") this.#moving.clear();
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

  /** Takes how far another tab is. */
  follow(state, sent) {
    this.elsewhere = state;
    this.#arrived.clear();
    this.#arrived.set(0, sent);
    this.#tell(this);
  }

  /** Takes the file itself, or lets go of it: what was read of another says nothing of it. */
  attach({ file, handle, lastModified } = {}) {
    Object.assign(this, { file, handle, lastModified, key: newFileID(), sums: [], recent: false });
  }

  /** Forgets what was read and sent. */
  reset() {
    this.sums = [];
    this.#arrived.clear();
    this.#moving.clear();
  }
}
