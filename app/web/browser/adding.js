// The page of a receipt: more files are added to it, and unfinished ones resumed.
import { API } from "./api.js";
import { element, setText } from "./dom.js";
import { Session, ledger, prepare } from "./session.js";
import { askTabs, followTabs } from "./tabs.js";
import { View } from "./view.js";
import { sendText } from "./words.js";

/** For so long after something of it arrived a file that nobody here sends may be on its way, in milliseconds. */
const recent = 2 * 60_000;

/** Lets files be added by the API, in the place of the plain form. */
export async function enhanceReceipt(section) {
  const prepared = await prepare(section.dataset);
  const { base, uploads } = prepared;
  const receipt = section.dataset.receipt;
  const api = new API(base, receipt);
  const { files } = await api.receipt();
  const stored = files.filter((f) => f.state === "stored");
  const { unfinished, elsewhere } = await unfinishedOf(receipt, files);

  const button = element("button", { type: "button", className: "button", hidden: true });
  const view = new View(uploads, {
    label: "add-heading", inputID: "files", heading: "h3", added: () => showButton(),
  });
  const session = new Session(prepared, view);
  const showButton = () => {
    const chosen = uploads.all.filter((u) => u.state === "chosen");
    button.hidden = chosen.length === 0;
    setText(button, sendText(chosen));
  };
  button.addEventListener("click", async () => {
    session.open(api, receipt);
    const started = session.start();
    showButton();
    view.heading.focus();
    await started;
  });
  section.querySelector("form")?.remove();
  const hint = element("p", { className: "hint" }, view.hint);
  section.append(hint, view.element, element("div", { className: "actions" }, button));
  uploads.addEventListener("list", showButton);
  uploads.had(stored);
  uploads.connect(api, receipt);
  await uploads.restore(unfinished, elsewhere);
  showUploaded(api, uploads);
  hideMissing(unfinished);
  correctHead(uploads);
  if (location.hash === "#add-files") section.scrollIntoView();
  if (unfinished.length > 0) {
    session.open(api, receipt);
    uploads.resume(...uploads.all.filter((u) => u.state === "paused"));
  }
  if (Object.keys(elsewhere).length > 0) {
    await followTabs(receipt, (now) => uploads.follow(now));
    // The page was made before; what was chosen on it would be lost.
    if (!uploads.busy && !uploads.unsent) location.reload();
  }
}

/** Returns the records of the files that were begun, and what other tabs of this browser are sending of them. */
async function unfinishedOf(receipt, files) {
  await ledger.adopt(receipt);
  const records = await ledger.of(receipt);
  const isStored = new Set(files.filter((f) => f.state === "stored").map((f) => f.id));
  await ledger.remove(records.filter(({ id }) => isStored.has(id)).map(({ id }) => id));
  const kept = new Map(records.filter(({ id }) => !isStored.has(id)).map((record) => [record.id, record]));
  // Begun elsewhere, or by a browser that keeps nothing.
  for (const { id, folder, name, size, state, part_count: parts, updated_at: at } of files) {
    if (state !== "uploading" || !parts || kept.has(id)) continue;
    kept.set(id, { id, folder, name, size, recent: Date.now() - Date.parse(at) < recent });
  }
  return { unfinished: [...kept.values()], elsewhere: kept.size > 0 ? await askTabs(receipt) : {} };
}

/** Takes files from the page's list of what is missing: they are listed here, with what can be done. */
function hideMissing(unfinished) {
  const ids = new Set(unfinished.map(({ id }) => id));
  for (const item of document.querySelectorAll(".missing [data-file]")) if (ids.has(item.dataset.file)) item.remove();
  const missing = document.querySelector(".missing");
  if (missing && missing.children.length === 0) missing.closest("section").hidden = true;
}

/**
 * Has the page's head say what this browser knows better than the server, which takes what arrived a moment ago for
 * being sent.
 */
function correctHead(uploads) {
  const all = uploads.all.filter((u) => u.begun);
  const head = document.querySelector(".page-head");
  const badge = head.querySelector(".badge");
  const say = (kind, text, heading, lede) => {
    badge.className = `badge badge-${kind}`;
    setText(badge, text);
    setText(head.querySelector("h1"), heading);
    setText(head.querySelector(".lede"), lede);
  };
  if (all.some((u) => u.state === "elsewhere")) {
    say("good", "Being sent", "Your files are being sent", "Another tab of this browser is sending them.");
  } else if (all.some((u) => u.state === "missing" && !u.recent)) {
    const lede = "Your details are stored. Choose the unfinished files again below to continue.";
    say("warn", "Incomplete", "Some files are missing", lede);
  }
}

/** Shows how much is uploaded of the first unfinished files. */
async function showUploaded(api, uploads) {
  for (const upload of uploads.all.filter((u) => u.state === "missing").slice(0, 20)) {
    try {
      const { parts } = await api.status(upload.id);
      for (const { number, size } of parts) if (upload.state === "missing") upload.arrived(number, size);
    } catch {
      // It is shown when the file is resumed.
    }
  }
}
