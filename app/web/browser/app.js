// Comfort only: every page does all it has to without this file.
import { filters, selecting } from "./directory.js";
import { element } from "./dom.js";
import { cookiesNeeded, keepsCookies, openByFragment } from "./receipt.js";
import { counted, humanLimit, humanSize } from "./words.js";

// Times stand in the page in UTC. Here they become those of the reader's own clock, in the form of ISO 8601, which is
// the same in every language; the exact one shows on hover.
for (const e of document.querySelectorAll("time[datetime]")) {
  const t = new Date(e.dateTime);
  if (Number.isNaN(t.getTime())) continue;
  const two = (n) => String(n).padStart(2, "0");
  const offset = -t.getTimezoneOffset(); // minutes
  const zone = `UTC${offset < 0 ? "−" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  const day = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  const minute = `${day} ${two(t.getHours())}:${two(t.getMinutes())}`;
  e.textContent = minute;
  e.title = `${minute}:${two(t.getSeconds())} ${zone}`;
}

// Browsers that translate the page leave names of people and files, and what has to be typed, as they are.
for (const e of document.querySelectorAll("bdi, code, .to-type")) e.translate = false;

// A click anywhere on a row does what its link does, also in a new tab, and leaves the selecting of text alone.
for (const table of document.querySelectorAll("table.table-people")) {
  table.classList.add("row-links");
  const open = (event) => {
    const link = event.target.closest("tbody tr")?.querySelector("th a");
    if (!link || event.target.closest("a, .cell-select") || getSelection().type === "Range") return;
    if (event.button === 1 || event.ctrlKey || event.metaKey) window.open(link.href, "_blank", "noopener");
    else if (event.button === 0) location.assign(link.href);
  };
  table.addEventListener("click", open);
  table.addEventListener("auxclick", open);
}

for (const form of document.querySelectorAll("form.filters")) filters(form);
for (const form of document.querySelectorAll("form[data-bulk]")) selecting(form);

// The link of a receipt, or a token: a button that copies it. Shown only where copying is possible (a secure context).
for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  const status = document.getElementById("copy-status");
  if (!field || !status || !navigator.clipboard) {
    continue;
  }
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      status.textContent = button.dataset.copied ?? "Link copied.";
    } catch {
      field.select();
      status.textContent = "The text is selected. Copy it with your keyboard or the menu.";
    }
  });
}

// The page that asks for a receipt opens the one that its address brings.
const opening = document.querySelector("form.open-receipt");
if (opening) openByFragment(opening);

// The page that asks for the link of an account takes it from the fragment of its address, and leaves it nowhere.
const invitation = document.querySelector("form.open-invitation");
if (invitation) {
  const open = () => {
    const link = location.hash.slice(1);
    if (link.length !== 43) return;
    history.replaceState(null, "", location.pathname);
    invitation.elements.link.value = link;
    invitation.submit();
  };
  addEventListener("hashchange", open);
  open();
}

// Without cookies, the sign-in would come back without a word.
const signIn = document.querySelector('form[action="/staff/sign-in"]');
if (signIn && !keepsCookies()) {
  signIn.before(cookiesNeeded("Allow cookies for this site, then reload the page: no one can sign in without them."));
}

// The sign-in takes the key that its address brings, in the fragment or, in a link of a former release, in the query,
// and leaves it nowhere.
const key = document.querySelector("input#key");
if (key) {
  const take = () => {
    const brought = new URLSearchParams(location.hash.slice(1)).get("key");
    if (brought) key.value = brought;
    const query = new URLSearchParams(location.search);
    if (!brought && !query.has("key")) return;
    query.delete("key");
    history.replaceState(null, "", location.pathname + (query.toString() ? `?${query}` : ""));
  };
  addEventListener("hashchange", take);
  take();
}

// The chosen files, listed under their control, with what the server would refuse.
for (const box of document.querySelectorAll(".file-box")) {
  const input = box.querySelector("input[type=file]");
  const maxFiles = Number(box.dataset.maxFiles);
  const maxBytes = Number(box.dataset.maxBytes);
  const total = element("p", { className: "chosen-total", role: "status" });
  const list = element("ul", { className: "chosen", "aria-label": "Chosen files" });
  const show = () => {
    const files = Array.from(input.files);
    list.replaceChildren(
      ...files.map((file) => {
        const size = element("span", { className: "chosen-size" }, humanSize(file.size));
        const item = element("li", {}, element("bdi", {}, file.name), size);
        if (file.size > maxBytes) {
          const fault = `Larger than ${humanLimit(maxBytes)}: it will not be stored.`;
          item.append(element("span", { className: "chosen-fault" }, fault));
        }
        return item;
      }),
    );
    list.hidden = files.length === 0;
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    const tooMany = files.length > maxFiles;
    total.classList.toggle("chosen-fault", tooMany);
    total.textContent =
      files.length === 0 ? ""
      : tooMany ? `${counted(files.length, "file")} are too many: choose at most ${maxFiles}.`
      : `${counted(files.length, "file")}, ${humanSize(bytes)}`;
  };
  box.append(list, total);
  input.addEventListener("change", show);
  // A page that the browser kept may come back with its files.
  window.addEventListener("pageshow", show);
}

// A second click does not send a form twice. It would do no harm, but of what it does, the answer is not the one that
// people wait for: a code for the sign-in was used already, who is to be deleted is gone, a long upload starts again. A
// form can be sent again after a while, because a script is not told when the browser's own stop button was used. The
// answer to that of the directory may be a download, after which the page is still there.
const pause = 10_000; // milliseconds
for (const form of document.querySelectorAll('form[method="post"]:not(.submission, [data-bulk])')) {
  let sent = -pause;
  form.addEventListener("submit", (event) => {
    if (performance.now() - sent < pause) event.preventDefault();
    else sent = performance.now();
  });
  window.addEventListener("pageshow", () => (sent = -pause));
}
for (const form of document.querySelectorAll("form.submission")) {
  const button = form.querySelector("button[type=submit]");
  const label = button.textContent;
  const status = element("p", { className: "send-status", role: "status" });
  button.after(status);
  let timer;
  const release = (text) => {
    clearTimeout(timer);
    button.removeAttribute("aria-disabled");
    button.textContent = text;
  };
  form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
      return;
    }
    button.setAttribute("aria-disabled", "true");
    button.textContent = "Sending…";
    status.textContent = "Keep this page open until the receipt appears. Large files take a while.";
    timer = setTimeout(() => release("Send again"), pause);
  });
  window.addEventListener("pageshow", () => {
    release(label);
    status.textContent = "";
  });
}
