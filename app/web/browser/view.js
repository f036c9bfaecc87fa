// What the person sees and hears of the files: the place to choose them, the list, and how far everything is.
import { element, heard, setText } from "./dom.js";
import { noteOf } from "./notes.js";
import { Row, reasons } from "./row.js";
import { broughtBy, chosenIn, hasFiles, measured } from "./sources.js";
import { thumbnail } from "./thumbnails.js";
import { counted, humanLimit, humanSize, humanTime, shownPath } from "./words.js";

/** How many files a page of the list shows: ten thousand rows would stop the browser. */
const rowsAtOnce = 20;
/**
 * How often the page is drawn while files move, how often progress is read out, and over how long speed is measured, in
 * milliseconds.
 */
const drawEvery = 250;
const sayEvery = 15_000;
const speedOver = 8_000;
/** What a file costs beside its bytes, in bytes: it takes some requests, so ten thousand small ones last long. */
const perFile = 64 << 10;

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
  #title = document.title;

  /**
   * options: label, the id of what names it; inputID, that of its file input; heading, the element of its heading;
   * added, called when the person has added or removed something.
   */
  constructor(uploads, options) {
    this.#uploads = uploads;
    this.#options = options;
    this.#build();
    uploads.addEventListener("list", () => this.#list());
    uploads.addEventListener("change", ({ detail }) => this.#changed(detail));
    uploads.addEventListener("other", ({ detail }) => {
      const name = shownPath(detail);
      const text = detail.state === "stored"
        ? `${name} differs from the file of this name that is stored. It is being sent as another file.`
        : `${name} is not the unfinished file of this name. It is being sent as another file, and the unfinished ` +
          "one stays in the list.";
      setText(this.#note, text);
    });
    // Remaining time and speed also change while nothing arrives.
    setInterval(() => this.#uploads.busy && this.#draw(), 1000);
  }

  #build() {
    const limits = this.#uploads.limits;
    const input = (properties) => {
      const accept = limits.fileTypes ?? "";
      const e = element("input", { type: "file", hidden: true, tabIndex: -1, multiple: true, accept, ...properties });
      e.addEventListener("change", () => this.#add(Promise.resolve(chosenIn(e))));
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
    const touch = matchMedia("(pointer: coarse)").matches;
    if (touch) {
      const camera = input({ accept: "image/*", multiple: false, className: "camera-input" });
      camera.setAttribute("capture", "environment");
      buttons.append(camera, opener("Take a photo", camera));
    }
    this.files = files;
    // Nothing is dropped on a phone.
    const how = touch ? "Choose files, or take a photo." : "Drop files or folders here, paste them, or choose them.";
    const text = element("p", { className: "drop-text" }, how);
    this.#drop = element("div", { className: "drop" }, text, buttons);
    const types = limits.fileTypes ? `(${limits.fileTypesText})` : "of any type";
    this.hint = limits.not_taking
      ? "No files can be sent at the moment."
      : `Up to ${counted(limits.max_files, "file")} ${types}, up to ${humanLimit(limits.max_file_size)} each.`;
    this.#note = element("p", { className: "uploader-note", role: "status" });
    this.#bar = element("progress", { max: 1, value: 0, "aria-label": "All files together" });
    this.#sum = element("p", { className: "upload-sum" });
    this.#all = element("button", { type: "button", className: "button button-quiet" });
    this.#all.addEventListener("click", () => this.#allPressed());
    this.heading = element(this.#options.heading, { tabIndex: -1, className: "upload-heading" });
    const actions = element("div", { className: "upload-total-actions" }, this.#all);
    const properties = { className: "upload-total", hidden: true };
    this.#total = element("div", properties, this.heading, this.#bar, this.#sum, actions);
    this.#filter = element("button", { type: "button", className: "link-button", hidden: true });
    this.#filter.addEventListener("click", () => {
      this.#only = !this.#only;
      this.#first = 0;
      this.#list();
      this.#filter.focus();
    });
    this.#ul = element("ul", { className: "uploads", "aria-label": "Chosen files" });
    const page = (text, step) => {
      const label = [text, heard(" files of the list")];
      const b = element("button", { type: "button", className: "button button-quiet" }, ...label);
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

  /** Files may be dropped and pasted anywhere on the page: the browser would open what misses in the page's place. */
  #listen() {
    let over;
    const mark = (on) => {
      clearTimeout(over);
      this.#drop.classList.toggle("drop-over", on);
      // Not every browser says when the window is left.
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

  #bring(data) {
    this.#add(broughtBy(data));
  }

  /** Adds what is brought, and says what became of it. To read folders, and to compare files, takes a while. */
  async #add(brought) {
    const patience = setTimeout(() => setText(this.#note, "Reading the files…"), 200);
    try {
      const { chosen, unread = 0, system = 0 } = await brought;
      const files = [];
      for (const one of chosen) files.push(await measured(one, this.#uploads.limits.max_file_size));
      const report = await this.#uploads.add(files);
      clearTimeout(patience);
      setText(this.#note, noteOf({ ...report, unread, system, none: chosen.length === 0 }, this.#uploads.limits));
    } finally {
      clearTimeout(patience);
    }
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
    const same = elements.length === this.#ul.children.length && elements.every((e, i) => e === this.#ul.children[i]);
    if (!same) this.#ul.replaceChildren(...elements);
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
      const wanted = () => this.#rows.get(upload) === row;
      if (upload.file) thumbnail(upload.file, wanted, (canvas) => row.picture(canvas));
    }
    return row;
  }

  #pressed(upload, what) {
    if (what === "pause") this.#uploads.pause(upload);
    if (what === "resume" || what === "retry") this.#uploads.resume(upload);
    if (what === "reopen") {
      this.#uploads.reopen(upload).then((opened) => {
        if (opened) this.#uploads.resume(upload);
        else setText(this.#note, `${shownPath(upload)} could not be opened, or has changed. Choose it again.`);
      });
    }
    if (what === "remove") {
      const at = this.#shown.indexOf(upload);
      const done = upload.begun ? "was discarded" : "was removed";
      this.#uploads.remove(upload);
      setText(this.#note, `${shownPath(upload)} ${done}.`);
      const next = this.#shown[Math.min(at, this.#shown.length - 1)];
      (this.#rows.get(next)?.element.querySelector("button:not([hidden])") ?? this.chooser).focus();
      this.#options.added?.();
    }
  }

  #allPressed() {
    const all = this.#uploads.all;
    const moving = all.filter((u) => u.state === "waiting" || u.state === "sending");
    if (moving.length > 0) this.#uploads.pause(...moving);
    else this.#uploads.resume(...all.filter((u) => ["pausing", "paused", "failed"].includes(u.state)));
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
    this.#entitle(all);
    if (all.length === 0) return;
    const count = (...states) => all.filter((u) => states.includes(u.state)).length;
    const size = all.reduce((sum, u) => sum + u.size, 0);
    const sent = all.reduce((sum, u) => sum + u.sent, 0);
    const [stored, failed, paused, missing] = [count("stored"), count("failed"), count("paused"), count("missing")];
    const [pausing, elsewhere] = [count("pausing"), count("elsewhere")];
    const moving = count(...moves);
    const held = all.filter((u) => u.held).map((u) => u.held);

    const heading =
      moving > 0 ? `Sending ${counted(all.length, "file")}`
      : pausing > 0 ? "Pausing…"
      : paused > 0 ? "Paused"
      : elsewhere > 0 ? `${counted(elsewhere, "file is", "files are")} being sent in another tab`
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
      else if (speed.done > 0) {
        parts.push(`${humanSize(speed.sent)}/s`, `${humanTime((work - done) / speed.done)} left`);
      }
      if (stalled !== this.#stalled) this.#say(true);
      this.#stalled = stalled;
    } else {
      this.#samples = [];
    }
    if (failed > 0) parts.push(`${failed} failed`);
    setText(this.#sum, parts.join(" · "));
    const retry = all.some((u) => u.state === "failed" && !u.changed);
    this.#all.hidden = moving + pausing + paused === 0 && !retry;
    this.#all.parentElement.hidden = this.#all.hidden;
    setText(this.#all, moving > 0 ? "Pause all" : paused + pausing > 0 ? "Resume all" : "Retry all");
    this.#say(heading !== this.#heading);
    this.#heading = heading;
  }

  #heading;

  /** Has the tab's title say how far everything is while files move. */
  #entitle(all) {
    const moving = all.some((u) => moves.includes(u.state) || u.state === "pausing");
    const size = all.reduce((sum, u) => sum + u.size, 0);
    const percent = Math.floor((100 * all.reduce((sum, u) => sum + u.sent, 0)) / Math.max(size, 1));
    const title = moving ? `${Math.min(percent, 99)}% – ${this.#title}` : this.#title;
    if (document.title !== title) document.title = title;
  }

  /** Returns bytes sent and work done a second over the last while, and zeros where that is not known yet. */
  #speed(sent, done) {
    const now = performance.now();
    const samples = this.#samples;
    if (samples.length > 0 && sent < samples.at(-1).sent) samples.length = 0;
    samples.push({ now, sent, done });
    while (samples.length > 2 && now - samples[0].now > speedOver) samples.shift();
    const [first, seconds] = [samples[0], (now - samples[0].now) / 1000];
    if (seconds < 1) return { sent: 0, done: 0 };
    return { sent: (sent - first.sent) / seconds, done: (done - first.done) / seconds };
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

/** The states of what is being sent. */
const moves = ["waiting", "sending", "finishing"];
