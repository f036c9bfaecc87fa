// Waiting: for a while, for the network, for a turn.

/** Returns the error by which what was told to stop ends. */
export function aborted() {
  return new DOMException("It was told to stop.", "AbortError");
}

/** Waits some milliseconds, or until one of the events of the window, or until signal ends it. */
export function sleep(milliseconds, signal, ...events) {
  return new Promise((resolve, reject) => {
    const end = (settle, value) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", stop);
      for (const event of events) removeEventListener(event, wake);
      settle(value);
    };
    const wake = () => end(resolve);
    const stop = () => end(reject, aborted());
    const timer = setTimeout(wake, milliseconds);
    signal?.addEventListener("abort", stop);
    for (const event of events) addEventListener(event, wake);
    if (signal?.aborted) stop();
  });
}

/** Returns a signal that is aborted as soon as one of others is, and what lets go of them. */
export function linked(...signals) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  for (const signal of signals) {
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  }
  const release = () => {
    for (const signal of signals) signal.removeEventListener("abort", abort);
  };
  return { signal: controller.signal, release };
}

/**
 * Returns how long to wait before the try after so many failures, in milliseconds: longer each time, and not all at one
 * moment.
 */
export function backOff(failures) {
  return Math.min(30_000, 500 * 2 ** Math.min(failures, 10)) * (0.75 + Math.random() / 2);
}

/**
 * Slots lets so many at once, in the order in which they came: fewer on a line that breaks, where each is done sooner
 * the fewer share it.
 */
export class Slots {
  #all;
  #most;
  #taken = 0;
  #well = 0;
  #queue = [];

  constructor(most) {
    this.#all = this.#most = most;
  }

  /** Lets one at a time from now on. */
  narrow() {
    this.#most = 1;
    this.#well = 0;
  }

  /** Lets one more at a time after several that went well. */
  widen() {
    if (this.#most === this.#all || ++this.#well < this.#all) return;
    this.#most++;
    this.#well = 0;
    this.#next();
  }

  #next() {
    if (this.#taken >= this.#most || this.#queue.length === 0) return;
    this.#taken++;
    this.#queue.shift()();
  }

  /** Waits for a slot and returns what gives it back; to be called once. */
  async take(signal) {
    if (signal.aborted) throw aborted();
    if (this.#taken < this.#most) {
      this.#taken++;
    } else {
      await new Promise((resolve, reject) => {
        const turn = () => {
          signal.removeEventListener("abort", stop);
          resolve();
        };
        const stop = () => {
          this.#queue.splice(this.#queue.indexOf(turn), 1);
          signal.removeEventListener("abort", stop);
          reject(aborted());
        };
        this.#queue.push(turn);
        signal.addEventListener("abort", stop);
      });
    }
    return () => {
      this.#taken--;
      this.#next();
    };
  }
}
