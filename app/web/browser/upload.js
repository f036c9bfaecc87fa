// Sends files from the page straight to the object store, through the API. Without it, and until it is sure that all it
// needs works, the forms are plain ones and do the same in one request.
import { enhanceForm } from "./form.js";
import { askBeforeLeaving } from "./leaving.js";
import { enhanceReceipt } from "./adding.js";

/** Has the browser ask before files that were chosen in a plain form are lost. */
function guardPlain(form) {
  let sent = false;
  const input = form.querySelector("input[type=file]");
  const guard = askBeforeLeaving(() => !sent && input.isConnected && input.files.length > 0);
  input.addEventListener("change", guard);
  form.addEventListener("submit", (event) => {
    sent = !event.defaultPrevented;
    guard();
  });
  addEventListener("pageshow", () => {
    sent = false;
    guard();
  });
}

// Where it does not work, everything stays as it is without it.
for (const form of document.querySelectorAll("form.submission")) guardPlain(form);
const form = document.querySelector("form.submission[data-upload-api]");
const section = document.querySelector("section[data-upload-api]");
if (form) enhanceForm(form).catch(() => {});
if (section) enhanceReceipt(section).catch(() => {});
