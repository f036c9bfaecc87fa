// What the person sees and hears of the files: the place to choose them, the list, and how far everything is.
import { element, heard, setText } from "./dom.js";
import { broughtBy, chosenIn, hasFiles } from "./sources.js";
import { thumbnail } from "./thumbnails.js";
import { counted, humanLimit, humanSize, humanTime } from "./words.js";

/** How many files a page of the list shows: ten thousand rows would stop the browser. */
const rowsAtOnce = 20;
/** How often the page is drawn while files move, how often progress is read out, and over how long speed is measured, in milliseconds. */
const drawEvery = 250;
const sayEvery = 15_000;
const speedOver = 8_000;
/** What a file costs beside its bytes, in bytes: it takes some requests, so ten thousand small ones last long. */
const perFile = 64 << 10;

const svg = "http://www.w3.org/2000/svg";

/** View shows uploads. */
export class View {
  #uploads;
  #options;
  #rows = new Map();
  #first = 0;
  #only = false;
  #dirty = new Set();
  #timer;
  #samples = [];
  #said = 0;
  #saying;
  #stalled = false;

  /**
   * options: label, the id of what names it; inputID, that of its file input; heading, the element of its heading; added, called when the person
   * has added or removed something.
   */
  constructor(uploads, options) {
    this.#uploads = uploads;
    this.#options = options;
    this.#build();
    uploads.addEventListener("list", () => this.#list());
    uploads.addEventListener("change", ({ detail }) => this.#changed(detail));
    // Remaining time and speed also change while nothing arrives.
    setInterval(() => this.#uploads.busy && this.#draw(), 1000);
  }

  #build() {
    const limits = this.#uploads.limits;
    const input = (properties) => {
      const e = element("input", { type: "file", hidden: true, tabIndex: -1, multiple: true, ...properties });
      e.addEventListener("change", () => this.#add(chosenIn(e)));
      return e;
    };
    const opener = (text, to) => {
      const b = element("button", { type: "button", className: "button button-quiet" }, text);
      b.addEventListener("click", () => to.click());
      return b;
    };
    const files = input({ id: this.#options.inputID });
    const buttons = element("div", { className: "drop-buttons" });
    this.chooser = opener("Choose files", files);
    buttons.append(files, this.chooser);
    if ("webkitdirectory" in files) {
      const folder = input({ webkitdirectory: true, className: "folder-input" });
      buttons.append(folder, opener("Choose a folder", folder));
    }
    // Elsewhere it would open the same dialog once more.
    if (matchMedia("(pointer: coarse)").matches) {
      const camera = input({ accept: "image/*", multiple: false, className: "camera-input" });
      camera.setAttribute("capture", "environment");
      buttons.append(camera, opener("Take a photo", camera));
    }
    this.files = files;
    this.#drop = element("div", { className: "drop" }, element("p", { className: "drop-text" }, "Drop files or folders here, paste them, or choose them."), buttons);
    this.hint = limits.not_taking
      ? "None can be sent at the moment."
      : `Up to ${counted(limits.max_files, "file")} of any type, each up to ${humanLimit(limits.max_file_size)}.`;
    this.#note = element("p", { className: "uploader-note", role: "status" });
    this.#bar = element("progress", { max: 1, value: 0, "aria-label": "All files together" });
    this.#sum = element("p", { className: "upload-sum" });
    this.#all = element("button", { type: "button", className: "button button-quiet" });
    this.#all.addEventListener("click", () => this.#allPressed());
    this.heading = element(this.#options.heading, { tabIndex: -1, className: "upload-heading" });
    this.#total = element("div", { className: "upload-total", hidden: true }, this.heading, this.#bar, this.#sum, element("div", { className: "upload-total-actions" }, this.#all));
    this.#filter = element("button", { type: "button", className: "link-button", hidden: true });
    this.#filter.addEventListener("click", () => {
      this.#only = !this.#only;
      this.#first = 0;
      this.#list();
      this.#filter.focus();
    });
    this.#ul = element("ul", { className: "uploads", "aria-label": "Chosen files" });
    const page = (text, step) => {
      const b = element("button", { type: "button", className: "button button-quiet" }, text, heard(" files of the list"));
      b.addEventListener("click", () => {
        this.#first += step;
        this.#list();
        // The last page's own button is gone.
        if (b.hidden) this.#place.focus();
      });
      return b;
    };
    this.#place = element("p", { className: "uploads-place", tabIndex: -1 });
    this.#back = page("Previous", -rowsAtOnce);
    this.#on = page("Next", rowsAtOnce);
    this.#pager = element("div", { className: "uploads-pager", hidden: true }, this.#back, this.#place, this.#on);
    this.#live = element("p", { className: "visually-hidden", role: "status" });
    this.element = element(
      "div",
      { className: "uploader", role: "group", "aria-labelledby": this.#options.label },
      this.#drop,
      this.#note,
      this.#total,
      this.#filter,
      this.#ul,
      this.#pager,
      this.#live,
    );
    this.#listen();
    this.#list();
  }

  #drop;
  #note;
  #bar;
  #sum;
  #all;
  #total;
  #filter;
  #ul;
  #place;
  #back;
  #on;
  #pager;
  #live;

  /** Files may be dropped and pasted anywhere on the page: what misses would otherwise be opened in its place. */
  #listen() {
    let over;
    const mark = (on) => {
      clearTimeout(over);
      this.#drop.classList.toggle("drop-over", on);
      // Leaving the window is not always told.
      if (on) over = setTimeout(() => mark(false), 1000);
    };
    document.addEventListener("dragover", (event) => {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      mark(true);
    });
    document.addEventListener("drop", (event) => {
      if (!hasFiles(event.dataTransfer)) return;
      event.preventDefault();
      mark(false);
      this.#bring(event.dataTransfer);
    });
    document.addEventListener("paste", (event) => {
      if (!hasFiles(event.clipboardData)) return;
      // Office programs bring a picture of a text beside the text, which is what belongs in a field.
      if (event.target.matches?.("input, textarea") && [...event.clipboardData.types].includes("text/plain")) return;
      event.preventDefault();
      this.#bring(event.clipboardData);
    });
  }

  async #bring(data) {
    const brought = broughtBy(data);
    setText(this.#note, "Reading what was added…");
    const { chosen, unread } = await brought;
    this.#add(chosen, unread);
  }

  #add(chosen, unread = 0) {
    const { added, resumed, passed } = this.#uploads.add(chosen);
    const told = [];
    if (chosen.length === 0 && unread === 0) told.push("There was no file in it.");
    if (added > 0) told.push(`${counted(added, "file")} added.`);
    if (resumed > 0) told.push(`${counted(resumed, "file goes", "files go")} on.`);
    if (passed > 0) told.push(`${counted(passed, "file is", "files are")} in the list already.`);
    if (unread > 0) told.push(`${counted(unread, "file or folder", "files or folders")} could not be read: this browser may not, or they were moved.`);
    setText(this.#note, told.join(" "));
    this.#options.added?.();
  }

  // The list.

  get #shown() {
    const all = this.#uploads.all;
    return this.#only ? all.filter(troubled) : all;
  }

  #list() {
    const troubles = this.#uploads.all.filter(troubled).length;
    if (troubles === 0) this.#only = false;
    const shown = this.#shown;
    this.#first = Math.max(0, Math.min(this.#first, Math.floor((shown.length - 1) / rowsAtOnce) * rowsAtOnce));
    const rows = shown.slice(this.#first, this.#first + rowsAtOnce);
    const wanted = new Set(rows);
    for (const upload of this.#rows.keys()) if (!wanted.has(upload)) this.#rows.delete(upload);
    const elements = rows.map((upload) => this.#row(upload).element);
    // Moving an element takes the focus off it.
    if (elements.length !== this.#ul.children.length || elements.some((e, i) => e !== this.#ul.children[i])) this.#ul.replaceChildren(...elements);
    this.#ul.hidden = rows.length === 0;
    this.#pager.hidden = shown.length <= rowsAtOnce;
    setText(this.#place, `${this.#first + 1} to ${this.#first + rows.length} of ${counted(shown.length, "file")}`);
    this.#back.hidden = this.#first === 0;
    this.#on.hidden = this.#first + rowsAtOnce >= shown.length;
    this.#filter.hidden = troubles === 0 || this.#uploads.all.length <= rowsAtOnce;
    setText(this.#filter, this.#only ? "Show all files" : `Show only the ${counted(troubles, "file")} with problems`);
    this.#draw();
  }

  #row(upload) {
    let row = this.#rows.get(upload);
    if (!row) {
      row = new Row(upload, (what) => this.#pressed(upload, what));
      this.#rows.set(upload, row);
      if (upload.file) thumbnail(upload.file, () => this.#rows.get(upload) === row, (canvas) => row.picture(canvas));
    }
    return row;
  }

  #pressed(upload, what) {
    if (what === "pause") this.#uploads.pause(upload);
    if (what === "resume" || what === "retry") this.#uploads.resume(upload);
    if (what === "reopen") {
      this.#uploads.reopen(upload).then((same) => {
        if (same) this.#uploads.resume(upload);
        else setText(this.#note, `${upload.name} could not be opened as it was. Choose it again.`);
      });
    }
    if (what === "remove") {
      const at = this.#shown.indexOf(upload);
      this.#uploads.remove(upload);
      setText(this.#note, `${upload.name} is removed.`);
      const next = this.#shown[Math.min(at, this.#shown.length - 1)];
      (this.#rows.get(next)?.element.querySelector("button") ?? this.chooser).focus();
      this.#options.added?.();
    }
  }

  #allPressed() {
    const all = this.#uploads.all;
    const moving = all.filter((u) => u.state === "waiting" || u.state === "sending");
    if (moving.length > 0) this.#uploads.pause(...moving);
    else this.#uploads.resume(...all.filter((u) => u.state === "paused" || u.state === "failed"));
    this.#say(true);
  }

  // How far everything is.

  #changed(upload) {
    this.#dirty.add(upload);
    this.#timer ??= setTimeout(() => this.#draw(), drawEvery);
  }

  #draw() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const dirty = this.#dirty;
    this.#dirty = new Set();
    for (const [upload, row] of this.#rows) {
      if (dirty.has(upload) || row.fresh) row.draw();
    }
    if (dirty.size > 0) {
      const troubles = this.#uploads.all.filter(troubled).length;
      this.#filter.hidden = troubles === 0 || this.#uploads.all.length <= rowsAtOnce;
      if (!this.#only) setText(this.#filter, `Show only the ${counted(troubles, "file")} with problems`);
    }
    this.#sums();
  }

  #sums() {
    const all = this.#uploads.all.filter((u) => !["chosen", "refused"].includes(u.state));
    this.#total.hidden = all.length === 0;
    if (all.length === 0) return;
    const count = (...states) => all.filter((u) => states.includes(u.state)).length;
    const size = all.reduce((sum, u) => sum + u.size, 0);
    const sent = all.reduce((sum, u) => sum + u.sent, 0);
    const [stored, failed, paused, missing] = [count("stored"), count("failed"), count("paused"), count("missing")];
    const moving = count("waiting", "sending", "finishing");
    const held = all.filter((u) => u.held).map((u) => u.held);

    const heading =
      moving > 0 ? `Sending ${counted(all.length, "file")}`
      : paused > 0 ? "Paused"
      : missing > 0 ? `${counted(missing, "file is", "files are")} unfinished`
      : failed > 0 ? `${counted(failed, "file is", "files are")} not stored`
      : `${counted(stored, "file is", "files are")} stored`;
    setText(this.heading, heading);
    const [work, done] = [size + perFile * all.length, sent + perFile * stored];
    this.#bar.value = done / work;

    const parts = [`${humanSize(sent)} of ${humanSize(size)}`, `${stored} of ${counted(all.length, "file")} stored`];
    if (moving > 0) {
      const stalled = held.length > 0 && held.length >= count("sending");
      const speed = this.#speed(sent, done);
      if (stalled) parts.push(reasons[held[0]]);
      else if (speed.done > 0) parts.push(`${humanSize(speed.sent)}/s`, `${humanTime((work - done) / speed.done)} left`);
      if (stalled !== this.#stalled) this.#say(true);
      this.#stalled = stalled;
    } else {
      this.#samples = [];
    }
    if (failed > 0) parts.push(`${failed} failed`);
    setText(this.#sum, parts.join(" · "));
    this.#all.hidden = moving === 0 && paused === 0 && (failed === 0 || all.every((u) => u.state !== "failed" || u.changed));
    this.#all.parentElement.hidden = this.#all.hidden;
    setText(this.#all, moving > 0 ? "Pause all" : paused > 0 ? "Go on with all" : "Try all again");
    this.#say(heading !== this.#heading);
    this.#heading = heading;
  }

  #heading;

  /** Returns bytes sent and work done a second over the last while, and zeros where nobody can tell yet. */
  #speed(sent, done) {
    const now = performance.now();
    const samples = this.#samples;
    if (samples.length > 0 && sent < samples.at(-1).sent) samples.length = 0;
    samples.push({ now, sent, done });
    while (samples.length > 2 && now - samples[0].now > speedOver) samples.shift();
    const [first, seconds] = [samples[0], (now - samples[0].now) / 1000];
    return seconds < 1 ? { sent: 0, done: 0 } : { sent: (sent - first.sent) / seconds, done: (done - first.done) / seconds };
  }

  /** Reads out how far everything is: at once where something else begins, else now and then. */
  #say(now) {
    clearTimeout(this.#saying);
    const wait = now ? 500 : Math.max(0, this.#said + sayEvery - performance.now());
    this.#saying = setTimeout(() => {
      this.#said = performance.now();
      setText(this.#live, `${this.heading.textContent}. ${this.#sum.textContent.replaceAll(" · ", ", ")}.`);
    }, wait);
  }
}

const troubled = (u) => u.state === "failed" || u.state === "refused" || u.state === "missing";

const reasons = {
  network: "waiting for the network",
  busy: "waiting, because the site asks for it",
  elsewhere: "another tab sends it",
};

/** Row is one file of the list. */
class Row {
  /** Nothing is drawn yet. */
  fresh = true;
  #upload;
  #pressed;
  #text;
  #bar;
  #picture;
  #buttons = new Map();
  #actions;

  constructor(upload, pressed) {
    this.#upload = upload;
    this.#pressed = pressed;
    this.#picture = element("div", { className: "upload-picture", "aria-hidden": "true" }, paper());
    this.#text = element("p", { className: "upload-state" });
    this.#bar = element("progress", { max: 1, value: 0, "aria-label": `Progress of ${upload.name}` });
    this.#actions = element("div", { className: "upload-actions" });
    this.element = element(
      "li",
      { className: "upload" },
      this.#picture,
      element(
        "div",
        { className: "upload-main" },
        element("div", { className: "upload-body" }, element("p", { className: "upload-name" }, element("bdi", {}, upload.name)), this.#text, this.#bar),
        this.#actions,
      ),
    );
  }

  picture(canvas) {
    this.#picture.replaceChildren(canvas);
  }

  draw() {
    this.fresh = false;
    const u = this.#upload;
    this.element.dataset.state = u.state;
    setText(this.#text, textOf(u));
    this.#bar.hidden = !["waiting", "sending", "finishing", "paused"].includes(u.state);
    this.#bar.value = u.size > 0 ? u.sent / u.size : 0;
    const offered = actionsOf(u);
    const focused = this.#actions.contains(document.activeElement);
    for (const what of Object.keys(actions)) {
      let button = this.#buttons.get(what);
      if (!button && !offered.includes(what)) continue;
      if (!button) {
        button = element("button", { type: "button", className: "button button-quiet button-small" }, actions[what], heard(` ${u.name}`));
        button.addEventListener("click", () => this.#pressed(what));
        const order = Object.keys(actions);
        const after = order.slice(order.indexOf(what) + 1).find((other) => this.#buttons.has(other));
        this.#actions.insertBefore(button, this.#buttons.get(after) ?? null);
        this.#buttons.set(what, button);
      }
      button.hidden = !offered.includes(what);
    }
    // The button that was pressed gives way to another: the focus goes there, not to the top of the page.
    if (focused && document.activeElement.hidden) [...this.#actions.children].find((b) => !b.hidden)?.focus();
  }
}

const actions = { pause: "Pause", resume: "Go on", retry: "Try again", reopen: "Open again", remove: "Remove" };

function actionsOf(u) {
  switch (u.state) {
    case "waiting":
    case "sending":
      return ["pause", "remove"];
    case "paused":
      return ["resume", "remove"];
    case "failed":
      return u.changed ? ["remove"] : ["retry", "remove"];
    case "missing":
      return u.handle ? ["reopen", "remove"] : ["remove"];
    case "chosen":
    case "refused":
      return ["remove"];
  }
  return [];
}

function textOf(u) {
  const size = humanSize(u.size);
  const sent = `${humanSize(u.sent)} of ${size}`;
  switch (u.state) {
    case "missing":
      return `${u.sent > 0 ? `${sent} are there` : `${size}, unfinished`}. Choose this file again and it goes on.`;
    case "chosen":
      return size;
    case "waiting":
      return `${size}, waits for its turn`;
    case "sending":
      return u.held ? `${sent}, ${reasons[u.held]}` : sent;
    case "finishing":
      return `${size}, being checked`;
    case "paused":
      return `Paused at ${sent}`;
    case "stored":
      return `${size}, stored`;
  }
  return `${size}. ${u.reason}`;
}

/** Draws a sheet of paper, for files without a picture. */
function paper() {
  const e = document.createElementNS(svg, "svg");
  for (const [key, value] of [["viewBox", "0 0 24 24"], ["width", "24"], ["height", "24"], ["focusable", "false"]]) e.setAttribute(key, value);
  const path = document.createElementNS(svg, "path");
  path.setAttribute("d", "M6 2.75h8L19.25 8v12.25a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1V3.75a1 1 0 0 1 1-1zM14 2.75V8h5.25");
  e.append(path);
  return e;
}
