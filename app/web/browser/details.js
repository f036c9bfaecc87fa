// The person's details in the form: read, and the faults that the server finds shown as it shows them in its own pages.
import { element, heard } from "./dom.js";

const invisible = /[\p{Cc}\p{Cf}]/gu;

/** Returns a text with the digits of every script as those of ASCII. Unicode has them in runs from zero to nine. */
function asciiDigits(text) {
  return text.replace(/\p{Nd}/gu, (digit) => {
    let value = 0;
    while (/\p{Nd}/u.test(String.fromCodePoint(digit.codePointAt(0) - value - 1))) value++;
    return String(value % 10);
  });
}

/** Returns what was typed into a field for a number; -1, which the server refuses, for what is none. */
function numberIn(field) {
  const text = asciiDigits(field.value.replace(invisible, "").trim());
  return /^[+-]?\d{1,9}$/.test(text) ? Number(text) : -1;
}

/** Returns what a field is called. */
function labelOf(field) {
  const label = field.closest(".field").querySelector("label").cloneNode(true);
  label.querySelector(".optional")?.remove();
  return label.textContent.trim();
}

/** Details is the form. */
export class Details {
  #form;
  #fields;
  #summary;

  constructor(form) {
    this.#form = form;
    this.#fields = [...form.querySelectorAll("[data-detail]")];
    this.#summary = document.getElementById("summary");
  }

  /** Returns what was typed, as the API takes it. */
  get typed() {
    // What is no number is sent all the same: so all faults are shown at once.
    const value = (field) => (field.dataset.detail === "number" ? numberIn(field) : field.value);
    return Object.fromEntries(this.#fields.map((field) => [field.name, value(field)]));
  }

  /** Removes what was shown before. */
  clear() {
    this.#summary?.remove();
    this.#summary = undefined;
    for (const field of this.#fields) {
      field.closest(".field").classList.remove("field-faulty");
      document.getElementById(`${field.name}-fault`)?.remove();
      field.removeAttribute("aria-invalid");
      field.setAttribute("aria-describedby", `${field.name}-hint`);
    }
  }

  /** Shows the faults of a problem in the fields, and a summary of them that takes the focus. */
  showFaults(problem) {
    const faults = new Map(problem.errors.map(({ pointer, detail }) => [pointer.replace("#/", ""), detail]));
    const list = element("ul");
    for (const field of this.#fields.filter(({ name }) => faults.has(name))) {
      const { name } = field;
      const text = field.value.trim();
      if (field.dataset.detail === "number" && text !== "" && numberIn(field) === -1 && text !== "-1") {
        faults.set(name, `Must be a whole number. ${faults.get(name)}`);
      }
      field.closest(".field").classList.add("field-faulty");
      field.before(element("p", { className: "fault", id: `${name}-fault` }, heard("Error: "), faults.get(name)));
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", `${name}-hint ${name}-fault`);
      const link = element("a", { href: `#${name}` }, labelOf(field));
      // The address stays, so that "back" leaves the page.
      link.addEventListener("click", (event) => {
        event.preventDefault();
        field.focus();
      });
      list.append(element("li", {}, link, `: ${faults.get(name)}`));
    }
    this.showNotice(problem.message, "", list);
  }

  /** Shows what went wrong as a whole. */
  showNotice(notice, advice, ...more) {
    this.#summary?.remove();
    const properties = { className: "alert alert-bad", id: "summary", role: "alert", tabIndex: -1 };
    this.#summary = element("div", properties, element("h2", {}, notice), ...more);
    if (advice) this.#summary.append(element("p", {}, advice));
    this.#form.before(this.#summary);
    this.#summary.focus();
  }

  /** Shows the fields, or that they are stored. */
  show(on) {
    for (const field of this.#fields) field.closest(".field").hidden = !on;
  }
}
