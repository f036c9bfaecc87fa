// The person's details in the form: read, and the faults that the server finds shown as it shows them in its own pages.
import { element, heard } from "./dom.js";

const names = ["name", "location", "age", "technology"];
const invisible = /[\p{Cc}\p{Cf}]/gu;

/** Returns a text with the digits of every script as those of ASCII. Unicode has them in runs from zero to nine. */
function asciiDigits(text) {
  return text.replace(/\p{Nd}/gu, (digit) => {
    let value = 0;
    while (/\p{Nd}/u.test(String.fromCodePoint(digit.codePointAt(0) - value - 1))) value++;
    return String(value % 10);
  });
}

/** Details is the form. */
export class Details {
  #form;
  #summary;

  constructor(form) {
    this.#form = form;
    this.#summary = document.getElementById("summary");
  }

  /** Returns what was typed, as the API takes it. */
  get typed() {
    const value = (name) => this.#field(name).value;
    const age = asciiDigits(value("age").replace(invisible, "").trim());
    return {
      name: value("name"),
      location: value("location"),
      // What is no number is sent as one that the server refuses: so all faults are shown at once.
      age: /^[+-]?\d{1,9}$/.test(age) ? Number(age) : -1,
      technology: value("technology"),
    };
  }

  /** Removes what was shown before. */
  clear() {
    this.#summary?.remove();
    this.#summary = undefined;
    for (const name of names) {
      const field = this.#field(name);
      field.closest(".field").classList.remove("field-faulty");
      document.getElementById(`${name}-fault`)?.remove();
      field.removeAttribute("aria-invalid");
      field.setAttribute("aria-describedby", `${name}-hint`);
    }
  }

  /** Shows the faults of a problem in the fields, and a summary of them that takes the focus. */
  showFaults(problem) {
    const faults = new Map(problem.errors.map(({ pointer, detail }) => [pointer.replace("#/", ""), detail]));
    const age = this.#field("age").value.trim();
    if (faults.has("age") && age !== "" && this.typed.age === -1 && age !== "-1") {
      faults.set("age", `Must be a whole number. ${faults.get("age")}`);
    }
    const list = element("ul");
    for (const name of names.filter((n) => faults.has(n))) {
      const field = this.#field(name);
      field.closest(".field").classList.add("field-faulty");
      field.before(element("p", { className: "fault", id: `${name}-fault` }, heard("Error: "), faults.get(name)));
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", `${name}-hint ${name}-fault`);
      const label = field.closest(".field").querySelector("label").textContent;
      const link = element("a", { href: `#${name}` }, label);
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
    for (const name of names) this.#field(name).closest(".field").hidden = !on;
  }

  #field(name) {
    return this.#form.elements[name];
  }
}
