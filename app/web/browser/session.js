// What the form and the page of a receipt have in common, from the first byte to the page that follows.
import { API } from "./api.js";
import { stayAwake } from "./awake.js";
import { Digests } from "./digests.js";
import { element } from "./dom.js";
import { askBeforeLeaving } from "./leaving.js";
import { Ledger } from "./ledger.js";
import { cookiesNeeded, keepsCookies, openReceipt, receiptLink } from "./receipt.js";
import { answerTabs } from "./tabs.js";
import { Uploads } from "./uploads.js";
import { counted } from "./words.js";

export const ledger = new Ledger();

/** Checks that all that is needed works, and returns it. */
export async function prepare({ uploadApi: base, uploadWorker: worker, fileTypes, fileTypesText }) {
  const digests = new Digests(worker);
  try {
    const [limits] = await Promise.all([new API(base).limits(), digests.ready()]);
    if (fileTypes) Object.assign(limits, { fileTypes, fileTypesText });
    return { base, digests, uploads: new Uploads({ limits, digests, ledger }) };
  } catch (e) {
    digests.stop();
    throw e;
  }
}

/** Session is the sending of files. */
export class Session {
  #uploads;
  #digests;
  #outcome = element("div", { className: "alert alert-warn", role: "alert", tabIndex: -1, hidden: true });
  #guard;
  #told;
  #left = false;
  #quiet = () => {};
  receipt;
  started = false;

  /** told is called when the page itself has shown the receipt's link, because the receipt does not open. */
  constructor({ uploads, digests }, view, told = () => {}) {
    this.#told = told;
    this.#uploads = uploads;
    this.#digests = digests;
    view.element.prepend(this.#outcome);
    this.#guard = askBeforeLeaving(() => !this.#left && (uploads.busy || uploads.unsent));
    uploads.addEventListener("list", this.#guard);
    const awake = stayAwake(() => uploads.moving);
    uploads.addEventListener("end", () => {
      awake();
      this.#settle();
    });
    let guarded;
    uploads.addEventListener("change", () => {
      if (uploads.busy && !this.#outcome.hidden) this.#outcome.hidden = true;
      // A change comes with every byte.
      guarded ??= setTimeout(() => {
        guarded = undefined;
        this.#guard();
        awake();
      });
    });
  }

  /** Connects the files with a receipt. */
  open(api, receipt) {
    this.receipt = receipt;
    this.started = true;
    this.#quiet();
    this.#quiet = answerTabs(receipt, () => this.#uploads.sending);
    this.#uploads.connect(api, receipt);
  }

  /** Sends what is chosen. */
  async start() {
    await this.#uploads.start();
    if (!this.#uploads.busy) this.#settle();
  }

  get link() {
    return receiptLink(this.receipt);
  }

  /** Opens the receipt when all is stored, and else says what is not. */
  async #settle() {
    if (!this.started) return;
    const all = this.#uploads.all;
    const stored = all.filter((u) => u.state === "stored").length;
    if (stored === all.length) {
      this.leave();
      if (!keepsCookies()) {
        this.#showLink();
        return;
      }
      const path = await openReceipt(this.receipt).catch(() => undefined);
      location.assign(path ?? this.link);
      return;
    }
    if (this.#uploads.unsent || !this.#outcome.hidden) return;
    const safe = [" Stored files are safe: ", element("a", { href: this.link }, "open the receipt"), "."];
    this.#outcome.replaceChildren(
      element("h2", {}, `${stored} of ${counted(all.length, "file")} ${all.length === 1 ? "is" : "are"} stored`),
      element("p", {},
        "The list below says why the others are not, and what you can do.",
        ...(this.#uploads.closed ? [] : safe)),
    );
    this.#outcome.hidden = false;
    this.#outcome.focus();
  }

  /** Shows the link of a receipt that the browser cannot open: it is shown nowhere else. */
  #showLink() {
    const value = new URL(this.link, location.origin).href;
    const properties = { className: "link-field", rows: 3, readOnly: true, spellcheck: false, value };
    const field = element("textarea", { ...properties, "aria-label": "Private link" });
    field.addEventListener("focus", () => field.select());
    const advice = "Your details and all your files are stored, but your receipt cannot be opened here. Save its " +
      "private link now: no one can send it to you again. It opens in a browser that accepts cookies.";
    this.#outcome.replaceWith(cookiesNeeded(advice, field));
    this.#told();
    field.focus();
  }

  /** Lets go of what would keep the page from being left, or from being kept by the browser for "back". */
  leave() {
    this.#left = true;
    this.#guard();
    this.#quiet();
    this.#digests.stop();
    ledger.close();
    this.started = false;
  }

  /** Takes up a page that the browser kept. */
  back() {
    this.#left = false;
    this.#guard();
  }
}
