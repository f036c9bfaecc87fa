// The site's JSON API, as docs/api.md describes it. Every request may be repeated, and is: after no answer, 429 and
// 5xx.
import { aborted, backOff, sleep } from "./waiting.js";

/** How often a fault of the site is met before the request fails, and how long an answer may take, in milliseconds. */
const patience = 8;
const answerTime = 90_000;
/** A store may have to copy all bytes of a file that is completed. */
const completeTime = 11 * 60_000;

/** Problem is a refusal (RFC 9457). */
export class Problem extends Error {
  constructor(status, { code, detail, errors, request_id: requestID }) {
    super(detail);
    Object.assign(this, { name: "Problem", status, code, errors: errors ?? [], requestID });
  }
}

let lastTime = 0;
let sequence = 0;

/**
 * Returns a UUID of version 7 as its 16 bytes, each after the one before, so that files keep the order in which they
 * were chosen.
 */
function uuidBytes() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const now = Math.max(Date.now(), lastTime);
  // The 12 bits behind the time count (RFC 9562, 6.2), and are carried into it.
  sequence = now > lastTime ? 0 : sequence + 1;
  lastTime = sequence > 0xfff ? now + 1 : now;
  sequence &= 0xfff;
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(lastTime / 2 ** 16));
  view.setUint16(4, lastTime % 2 ** 16);
  view.setUint16(6, 0x7000 | sequence);
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes;
}

/** Makes an id for a file. */
export function newFileID() {
  const hex = [...uuidBytes()].map((b) => b.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Makes a receipt, as the server does for each form. */
export function newReceipt() {
  const bytes = new Uint8Array(48);
  bytes.set(uuidBytes());
  crypto.getRandomValues(bytes.subarray(16));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

/** API asks in the name of one receipt. */
export class API {
  #base;
  #receipt;
  /** Until when all requests wait, because the site said so. */
  #notBefore = 0;

  constructor(base, receipt) {
    this.#base = base;
    this.#receipt = receipt;
  }

  limits() {
    return this.#ask("GET", "/limits", undefined, { tries: 1 });
  }
  register(details, options) {
    return this.#ask("POST", "/people", details, options);
  }
  receipt(options) {
    return this.#ask("GET", "/receipt", undefined, options);
  }
  announce({ id, folder, name, sentName, size }, options) {
    return this.#ask("PUT", `/files/${id}`, { ...(folder && { folder }), name: sentName ?? name, size }, options);
  }
  status(id, options) {
    return this.#ask("GET", `/files/${id}`, undefined, options);
  }
  giveUp(id, options) {
    return this.#ask("DELETE", `/files/${id}`, undefined, options);
  }
  async sign(id, part, options) {
    return (await this.#ask("POST", `/files/${id}/parts`, { parts: [part] }, options)).parts[0];
  }
  complete(id, sums, options) {
    return this.#ask("POST", `/files/${id}/complete`, sums, { ...options, time: completeTime });
  }

  /**
   * Asks until there is an answer that stays. Problems are thrown. signal ends it; waits is told, while there is no
   * answer, why: "network" or "busy", and undefined when that is over.
   */
  async #ask(method, path, body, { signal, waits = () => {}, time = answerTime, tries = patience } = {}) {
    for (let failures = 0; ; ) {
      await this.#pace(signal, waits);
      let answer;
      try {
        answer = await this.#once(method, path, body, signal, time);
      } catch (e) {
        if (signal?.aborted) throw aborted();
        if (tries === 1) throw e;
        // The network may be away for hours, and nothing is lost meanwhile.
        waits("network");
        await sleep(backOff(failures++), signal, "online");
        continue;
      }
      waits(undefined);
      if (answer.status === 204) return undefined;
      if (answer.ok) return answer.json;
      const again = answer.status === 429 || answer.status === 408 || answer.status >= 500;
      if (!again || tries === 1 || (answer.status !== 429 && ++failures >= tries)) {
        throw new Problem(answer.status, answer.json);
      }
      if (answer.retryAfter > 0) this.#notBefore = Math.max(this.#notBefore, Date.now() + 1000 * answer.retryAfter);
      else await sleep(backOff(failures), signal);
    }
  }

  async #pace(signal, waits) {
    for (let left; (left = this.#notBefore - Date.now()) > 0; ) {
      waits("busy");
      // Not all that waited at one moment.
      await sleep(left + Math.random() * 500, signal);
    }
  }

  async #once(method, path, body, signal, time) {
    const controller = new AbortController();
    const stop = () => controller.abort();
    signal?.addEventListener("abort", stop);
    const timer = setTimeout(stop, time);
    try {
      if (signal?.aborted) throw aborted();
      const answer = await fetch(this.#base + path, {
        method,
        // The receipt alone counts, also where a member of the staff is signed in.
        credentials: "omit",
        cache: "no-store",
        headers: {
          ...(this.#receipt && { Authorization: `Bearer ${this.#receipt}` }),
          ...(body && { "Content-Type": "application/json" }),
        },
        body: body && JSON.stringify(body),
        signal: controller.signal,
      });
      const text = await answer.text();
      let json = {};
      try {
        if (text) json = JSON.parse(text);
      } catch {
        // Not of the API: a proxy before the site has its own way to say that it is not there.
        if (answer.ok) throw new Error("the answer is no JSON");
        json = { code: "", detail: `The site answers with status ${answer.status}. Try again later.` };
      }
      return { ok: answer.ok, status: answer.status, json, retryAfter: Number(answer.headers.get("Retry-After")) || 0 };
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
    }
  }
}
