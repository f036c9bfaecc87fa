// Sends files from the page straight to the object store, through the API. Without it, and until it is sure that all it needs works, the form
// is a plain one and does the same in one request.
import { API, Problem, newReceipt } from "./api.js";
import { Details } from "./details.js";
import { Digests } from "./digests.js";
import { element, setText } from "./dom.js";
import { Ledger } from "./ledger.js";
import { Uploads } from "./uploads.js";
import { openReceipt, receiptLink } from "./receipt.js";
import { View } from "./view.js";
import { counted } from "./words.js";

const ledger = new Ledger();

/** Asks whether all that is needed works, and returns it. */
async function prepare({ uploadApi: base, uploadWorker: worker }) {
  const digests = new Digests(worker);
  try {
    const [limits] = await Promise.all([new API(base).limits(), digests.ready()]);
    return { base, digests, uploads: new Uploads({ limits, digests, ledger }) };
  } catch (e) {
    digests.stop();
    throw e;
  }
}

/** Session is what the form and the receipt have in common, from the first byte to the page that follows. */
class Session {
  #uploads;
  #digests;
  #outcome = element("div", { className: "alert alert-warn", role: "alert", tabIndex: -1, hidden: true });
  #warn = (event) => {
    if (this.#uploads.busy) event.preventDefault();
  };
  receipt;
  started = false;

  constructor({ uploads, digests }, view) {
    this.#uploads = uploads;
    this.#digests = digests;
    view.element.prepend(this.#outcome);
    uploads.addEventListener("end", () => this.#settle());
    uploads.addEventListener("change", () => {
      if (uploads.busy && !this.#outcome.hidden) this.#outcome.hidden = true;
    });
  }

  /** Lets files go, for a receipt. */
  open(api, receipt) {
    this.receipt = receipt;
    this.started = true;
    addEventListener("beforeunload", this.#warn);
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

  /** Goes on to the receipt when all is stored, and else tells what is not. */
  async #settle() {
    if (!this.started) return;
    const all = this.#uploads.all;
    const stored = all.filter((u) => u.state === "stored").length;
    if (stored === all.length) {
      this.leave();
      const path = await openReceipt(this.receipt).catch(() => undefined);
      location.assign(path ?? this.link);
      return;
    }
    if (all.some((u) => u.state === "chosen") || !this.#outcome.hidden) return;
    this.#outcome.replaceChildren(
      element("h2", {}, `${stored} of ${counted(all.length, "file")} ${all.length === 1 ? "is" : "are"} stored`),
      element("p", {},
        "What is not is listed below, with the reason and what to do. What is stored stays stored: ",
        element("a", { href: this.link }, "open the receipt"), "."),
    );
    this.#outcome.hidden = false;
    this.#outcome.focus();
  }

  /** Lets go of what would keep the page from being left, or from being kept by the browser for "back". */
  leave() {
    removeEventListener("beforeunload", this.#warn);
    this.#digests.stop();
    ledger.close();
    this.started = false;
  }
}

/** Makes the form send by the API. */
async function enhanceForm(form) {
  const prepared = await prepare(form.dataset);
  const { base, uploads } = prepared;
  const box = form.querySelector(".file-box");
  const plain = box.querySelector("input[type=file]");
  const label = form.querySelector("label[for=files]");
  label.id = "files-label";
  const button = form.querySelector("button[type=submit]");
  const buttonText = button.textContent;
  const details = new Details(form);
  const chosenBefore = [...plain.files];
  const view = new View(uploads, { label: label.id, inputID: plain.id, heading: "h2", added: () => showButton() });
  box.replaceChildren(view.element);
  setText(document.getElementById("files-hint"), view.hint);
  view.element.setAttribute("aria-describedby", "files-hint");
  const session = new Session(prepared, view);
  const sentAs = element("p", { className: "sent-as", hidden: true });
  form.prepend(sentAs);
  const status = element("p", { className: "send-status", role: "status" });
  form.querySelector(".send-status")?.remove();
  button.after(status);

  let registering = false;
  let send = buttonText;
  const showButton = () => {
    const chosen = uploads.all.filter((u) => u.state === "chosen").length;
    button.hidden = session.started && chosen === 0;
    setText(button, registering ? "Sending…" : session.started ? `Send ${counted(chosen, "more file")}` : send);
    if (registering) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  };
  const showSent = (on) => {
    details.show(!on);
    sentAs.hidden = !on;
    sentAs.replaceChildren(
      "Your details are stored. Keep this page open until the files are there too. Your private receipt: ",
      element("a", { href: session.link, target: "_blank", rel: "noopener" }, "open it in a new tab"),
      ".",
    );
    setText(status, "");
    showButton();
  };

  const submit = async () => {
    if (session.started) {
      await session.start();
      showButton();
      return;
    }
    const api = new API(base, form.elements.receipt.value);
    registering = true;
    showButton();
    details.clear();
    const waits = (why) => setText(status, why === "network" ? "Waiting for the network…" : why === "busy" ? "Waiting, because the site asks for it…" : "");
    try {
      await api.register(details.typed, { waits });
    } catch (e) {
      refused(e);
      return;
    } finally {
      registering = false;
      showButton();
    }
    session.open(api, form.elements.receipt.value);
    const started = session.start();
    showSent(true);
    view.heading.focus();
    await started;
  };
  const refused = (e) => {
    setText(status, "");
    const problem = e instanceof Problem ? e : { code: "", message: `This browser fails with “${e.message}”. Load the page again.` };
    switch (problem.code) {
      case "invalid":
        details.showFaults(problem);
        break;
      case "conflict":
        form.elements.receipt.value = newReceipt();
        send = "Send as a new submission";
        uploads.restart();
        details.showNotice(problem.message, "Your fields and files are still here. The form has a new receipt: send it, and it becomes a submission of its own.");
        break;
      default:
        details.showNotice(
          "Nothing is confirmed yet.",
          `${problem.message} Sending the same form again is safe, nothing is stored twice.${problem.requestID ? ` If you ask for help, quote this request: ${problem.requestID}.` : ""}`,
        );
    }
  };
  // Before the listeners of the plain form, which would lock its button.
  document.addEventListener(
    "submit",
    (event) => {
      if (event.target !== form) return;
      event.preventDefault();
      event.stopPropagation();
      if (!registering) submit();
    },
    true,
  );
  uploads.addEventListener("list", showButton);
  addEventListener("pageshow", ({ persisted }) => {
    // Back from the receipt to a page that the browser kept: the form again, whose files are there.
    if (persisted) showSent(false);
  });
  if (chosenBefore.length > 0) uploads.add(chosenBefore.map((file) => ({ file, name: file.name })));
  await tellUnfinished(form, base);
}

/** Tells of submissions whose files an earlier page did not finish. */
async function tellUnfinished(form, base) {
  for (const [receipt, count] of await ledger.unfinished()) {
    if (receipt === form.elements.receipt.value) continue;
    const forget = element("button", { type: "button", className: "button button-quiet" }, "Give it up");
    const notice = element(
      "div",
      { className: "alert alert-warn unfinished", role: "status" },
      element("h2", {}, `An earlier submission has ${counted(count, "unfinished file")}`),
      element("p", {}, "Unless another tab is sending it, it waits for you. What has arrived of it is not sent again."),
      element("div", { className: "actions" },
        element("a", { className: "button", href: `${receiptLink(receipt)}&add-files` }, "Go on with it"), forget),
    );
    forget.addEventListener("click", async () => {
      forget.setAttribute("aria-disabled", "true");
      const api = new API(base, receipt);
      const records = await ledger.of(receipt);
      await ledger.remove(records.map(({ id }) => id));
      notice.remove();
      form.elements.name.focus();
      // What fails goes by itself after a day.
      for (const { id } of records) await api.giveUp(id).catch(() => {});
    });
    form.before(notice);
  }
}

/** Lets more files be added on the page of a receipt, and unfinished ones go on. */
async function enhanceReceipt(section) {
  const prepared = await prepare(section.dataset);
  const { base, uploads } = prepared;
  const receipt = section.dataset.receipt;
  const api = new API(base, receipt);
  const { files } = await api.receipt();
  const stored = files.filter((f) => f.state === "stored");
  await ledger.adopt(receipt);
  const records = await ledger.of(receipt);
  const isStored = new Set(stored.map((f) => f.id));
  await ledger.remove(records.filter(({ id }) => isStored.has(id)).map(({ id }) => id));
  const kept = new Map(records.filter(({ id }) => !isStored.has(id)).map((record) => [record.id, record]));
  // Begun elsewhere, or by a browser that keeps nothing.
  for (const { id, name, size, state, part_count: parts } of files) {
    if (state === "uploading" && parts && !kept.has(id)) kept.set(id, { id, name, size });
  }

  const button = element("button", { type: "button", className: "button", hidden: true });
  const view = new View(uploads, { label: "add-heading", inputID: "files", heading: "h3", added: () => showButton() });
  const session = new Session(prepared, view);
  const showButton = () => {
    const chosen = uploads.all.filter((u) => u.state === "chosen").length;
    button.hidden = chosen === 0;
    setText(button, `Send ${counted(chosen, "file")}`);
  };
  button.addEventListener("click", async () => {
    session.open(api, receipt);
    const started = session.start();
    showButton();
    view.heading.focus();
    await started;
  });
  section.append(element("p", { className: "hint" }, view.hint), view.element, element("div", { className: "actions" }, button));
  uploads.addEventListener("list", showButton);
  uploads.had(stored.length, stored.reduce((sum, f) => sum + f.size, 0));
  uploads.connect(api, receipt);
  await uploads.restore([...kept.values()]);
  section.hidden = false;
  showArrived(api, uploads);
  // They are listed here now, with what can be done.
  const names = new Set([...kept.values()].map(({ name }) => name));
  for (const item of document.querySelectorAll(".missing li")) {
    if (names.has(item.querySelector(".file-name").textContent)) item.remove();
  }
  const missing = document.querySelector(".missing");
  if (missing && missing.children.length === 0) missing.closest("section").hidden = true;
  if (location.hash === "#add-files") section.scrollIntoView();
  if (kept.size > 0) {
    session.open(api, receipt);
    uploads.resume(...uploads.all.filter((u) => u.state === "paused"));
  }
}

/** Shows how much is there of the first unfinished files, so that the person knows that it was not for nothing. */
async function showArrived(api, uploads) {
  for (const upload of uploads.all.filter((u) => u.state === "missing").slice(0, 20)) {
    try {
      const { parts } = await api.status(upload.id);
      for (const { number, size } of parts) if (upload.state === "missing") upload.arrived(number, size);
    } catch {
      // It is told when the file goes on.
    }
  }
}

const form = document.querySelector("form.submission[data-upload-api]");
const section = document.querySelector("section[data-upload-api]");
// Where it does not work, everything stays as it is without it.
if (form) enhanceForm(form).catch(() => {});
if (section) enhanceReceipt(section).catch(() => {});
