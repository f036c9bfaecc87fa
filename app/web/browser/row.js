// One file of the list.
import { element, heard, setText } from "./dom.js";
import { humanSize, shownPath } from "./words.js";

const svg = "http://www.w3.org/2000/svg";

/** Why nothing moves. */
export const reasons = {
  network: "waiting for the network",
  busy: "waiting because the site is busy",
  elsewhere: "being sent in another tab",
  comparing: "comparing with what was uploaded",
};

/** Row is one file of the list. */
export class Row {
  /** Nothing is drawn yet. */
  fresh = true;
  #upload;
  #pressed;
  #text;
  #bar;
  #picture;
  #buttons = new Map();
  #actions;
  /** The question is asked whether the file is to be discarded. */
  #asking = false;

  constructor(upload, pressed) {
    this.#upload = upload;
    this.#pressed = pressed;
    this.#picture = element("div", { className: "upload-picture", "aria-hidden": "true" }, paper());
    this.#text = element("p", { className: "upload-state" });
    this.#bar = element("progress", { max: 1, value: 0, "aria-label": `Progress of ${shownPath(upload)}` });
    this.#actions = element("div", { className: "upload-actions" });
    const name = element("p", { className: "upload-name" });
    if (upload.folder) {
      const folder = element("bdi", {}, upload.folder.replaceAll("/", " / "));
      name.append(element("span", { className: "upload-folder" }, folder, " / "));
    }
    name.append(element("bdi", {}, upload.name));
    const body = element("div", { className: "upload-body" }, name, this.#text, this.#bar);
    const main = element("div", { className: "upload-main" }, body, this.#actions);
    this.element = element("li", { className: "upload" }, this.#picture, main);
  }

  picture(canvas) {
    this.#picture.replaceChildren(canvas);
  }

  draw() {
    this.fresh = false;
    const u = this.#upload;
    if (!actionsOf(u).includes("discard")) this.#asking = false;
    this.element.dataset.state = u.state;
    setText(this.#text, this.#asking ? questionOf(u) : textOf(u));
    this.#bar.hidden = !["waiting", "sending", "finishing", "pausing", "paused", "elsewhere"].includes(u.state);
    this.#bar.value = u.size > 0 ? u.sent / u.size : 0;
    const offered = this.#asking ? ["confirm", "keep"] : actionsOf(u);
    const focused = this.#actions.contains(document.activeElement);
    const order = Object.keys(actions);
    for (const what of order) {
      let button = this.#buttons.get(what);
      if (!button && !offered.includes(what)) continue;
      if (!button) {
        const label = [actions[what], heard(` ${shownPath(u)}`)];
        button = element("button", { type: "button", className: "button button-quiet button-small" }, ...label);
        button.addEventListener("click", () => this.#press(what));
        const after = order.slice(order.indexOf(what) + 1).find((other) => this.#buttons.has(other));
        this.#actions.insertBefore(button, this.#buttons.get(after) ?? null);
        this.#buttons.set(what, button);
      }
      button.hidden = !offered.includes(what);
    }
    // The button that was pressed gives way to another: the focus goes there, not to the top of the page.
    if (focused && document.activeElement.hidden) [...this.#actions.children].find((b) => !b.hidden)?.focus();
  }

  #press(what) {
    if (what === "discard" || what === "keep") {
      this.#asking = what === "discard";
      this.draw();
      // What is not to be lost by pressing twice.
      this.#buttons.get(this.#asking ? "keep" : "discard").focus();
      return;
    }
    this.#pressed(what === "confirm" ? "remove" : what);
  }
}

const actions = {
  pause: "Pause",
  resume: "Resume",
  retry: "Retry",
  reopen: "Open again",
  remove: "Remove",
  discard: "Discard…",
  confirm: "Discard",
  keep: "Keep",
};

function actionsOf(u) {
  // What is lost with a file that was begun is asked for first.
  const away = u.begun ? "discard" : "remove";
  switch (u.state) {
    case "waiting":
    case "sending":
      return ["pause", away];
    case "pausing":
    case "paused":
      return ["resume", away];
    case "failed":
      return u.changed ? ["remove"] : ["retry", away];
    case "missing":
      return u.handle ? ["reopen", away] : [away];
    case "chosen":
    case "refused":
      return ["remove"];
  }
  return [];
}

function questionOf(u) {
  const lost = u.sent > 0 ? `The ${humanSize(u.sent)} uploaded of it will be deleted.` : "It will not be sent.";
  return `Discard this file? ${lost}`;
}

function textOf(u) {
  const size = humanSize(u.size);
  const sent = `${humanSize(u.sent)} of ${size}`;
  switch (u.state) {
    case "missing":
      if (u.recent) return `${size}. It was being sent a moment ago. If that has stopped, choose this file again.`;
      return `${sent} uploaded. Choose this file again to continue.`;
    case "elsewhere":
      if (u.elsewhere === "paused") return `${sent}, paused in another tab`;
      return `${sent}, being sent in another tab`;
    case "chosen":
      // Phones give such a file in the place of one that is not on the phone itself.
      return u.size > 0 ? size : `${size}. This file is empty.`;
    case "waiting":
      return `${size}. Waiting`;
    case "sending":
      return u.held ? `${sent}, ${reasons[u.held]}` : sent;
    case "pausing":
      return `${sent}. Pausing…`;
    case "finishing":
      return `${size}. Checking…`;
    case "paused":
      return `Paused at ${sent}`;
    case "stored":
      if (u.twin) return `${size}. The same file was stored before.`;
      return u.sentName ? `${size}. Stored as ${u.sentName}` : `${size}. Stored`;
  }
  return `${size}. ${u.reason}`;
}

/** Draws a sheet of paper, for files without a picture. */
function paper() {
  const e = document.createElementNS(svg, "svg");
  const attributes = { viewBox: "0 0 24 24", width: "24", height: "24", focusable: "false" };
  for (const [key, value] of Object.entries(attributes)) e.setAttribute(key, value);
  const path = document.createElementNS(svg, "path");
  path.setAttribute("d", "M6 2.75h8L19.25 8v12.25a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V3.75a1 1 0 0 1 1-1zM14 2.75V8h5.25");
  e.append(path);
  return e;
}
