// The page's side of the worker.

/** How long a worker that works may take to say so, in milliseconds. */
const readyTime = 20_000;

/** Digests asks the worker. It is started when it is first asked, and again after stop. */
export class Digests {
  #url;
  #worker;
  #waiting = new Map();
  #number = 0;

  constructor(url) {
    this.#url = url;
  }

  /** Resolves when the worker works, and rejects where it does not: then the page must do without. */
  async ready() {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error("the worker does not answer")), readyTime);
    });
    try {
      await Promise.race([this.#ask("ready"), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads the bytes of a file from start to end, and returns them with their CRC-64/NVME: { bytes, crc }. */
  read(key, file, start, end) {
    return this.#ask("read", { key, file, start, end });
  }

  /** Returns the SHA-256 of a file up to the offset to which it was read: { sha256, offset }. */
  digest(key) {
    return this.#ask("digest", { key });
  }

  /** Forgets a file. */
  forget(key) {
    if (this.#worker) this.#ask("forget", { key }).catch(() => {});
  }

  /** Ends the worker. What it was asked is answered by an error. */
  stop() {
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#fail(new DOMException("The worker was ended.", "AbortError"));
  }

  #ask(task, argument) {
    return new Promise((resolve, reject) => {
      this.#start();
      const number = this.#number++;
      this.#waiting.set(number, { resolve, reject });
      this.#worker.postMessage({ number, task, argument });
    });
  }

  #start() {
    if (this.#worker) return;
    this.#worker = new Worker(this.#url);
    this.#worker.addEventListener("message", ({ data: { number, result, fault } }) => {
      const asked = this.#waiting.get(number);
      this.#waiting.delete(number);
      if (fault) asked?.reject(new DOMException(fault.message, fault.name));
      else asked?.resolve(result);
    });
    this.#worker.addEventListener("error", (event) => {
      event.preventDefault();
      this.#worker?.terminate();
      this.#worker = undefined;
      this.#fail(new Error(event.message || "the worker cannot be started"));
    });
  }

  #fail(error) {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
