// The directory: comfort for filters, also those of the audit trail, and for selecting people. All of it works without.
import { element } from "./dom.js";
import { counted } from "./words.js";

/** Leaves what is empty out of the address, and keeps filters that are in use in view. */
export function filters(form) {
  if (form.elements.zone) ownDays(form);
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  });
  const more = form.querySelector("details");
  if (!more || !matchMedia("(min-width: 58rem)").matches) return; // where there is room
  const controls = [...more.querySelectorAll("input:not([type=hidden]), select:not([name=sort])")];
  if (controls.some((e) => e.value)) more.open = true;
}

/** Has days be those of the reader's clock, unless the page says whose. */
function ownDays(form) {
  const { zone } = form.elements;
  const days = [form.elements.submitted_from, form.elements.submitted_to];
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";
  if (!zone.value && days.every((day) => !day.value) && own && own !== "Etc/Unknown") {
    zone.value = own;
    form.querySelector("[data-zone-name]").textContent = `(${own})`;
  }
  form.addEventListener("formdata", ({ formData }) => {
    if (days.every((day) => !day.value)) formData.delete("zone");
  });
}

/** Adds a box that selects everybody on the page, and says how many are selected. */
export function selecting(form) {
  const boxes = [...form.querySelectorAll("input[name=person]")];
  const all = form.elements.all;
  const every = element("input", { type: "checkbox", "aria-label": "Select everyone on this page" });
  form.querySelector(".col-select").replaceChildren(every);
  const count = form.querySelector("[data-bulk-count]");
  count.hidden = false;
  let last; // the box that was clicked before
  const show = () => {
    const n = boxes.filter((box) => box.checked).length;
    form.querySelector(".bulk").classList.toggle("bulk-ready", n > 0 || Boolean(all?.checked));
    every.checked = n === boxes.length;
    every.indeterminate = n > 0 && n < boxes.length;
    for (const box of boxes) box.closest("tr").classList.toggle("selected", box.checked || Boolean(all?.checked));
    count.textContent = all?.checked ? "Everyone in the list is selected."
      : n ? `${counted(n, "person", "people")} selected` : "";
  };
  every.addEventListener("change", () => {
    for (const box of boxes) box.checked = every.checked;
    if (all && !every.checked) all.checked = false;
    show();
  });
  all?.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  for (const box of boxes) {
    box.addEventListener("click", (event) => {
      if (event.shiftKey && last) {
        const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
        for (const other of boxes.slice(from, to + 1)) other.checked = box.checked;
      }
      last = box;
      if (all && !box.checked) all.checked = false;
      show();
    });
  }
  form.addEventListener("submit", (event) => {
    if (all?.checked || boxes.some((box) => box.checked)) return;
    event.preventDefault();
    count.textContent = "Select people first.";
    boxes[0].focus();
  });
  addEventListener("pageshow", show);
}
