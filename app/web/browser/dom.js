// Elements of the page, made by hand: there are few of them.

/** Makes an element. Properties with a hyphen, and role, are attributes; children are elements or texts. */
export function element(name, properties = {}, ...children) {
  const e = document.createElement(name);
  if (name === "bdi") e.translate = false; // a name, to browsers that translate the page
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") e.setAttribute(key, value);
    else e[key] = value;
  }
  e.append(...children);
  return e;
}

/** Makes a text for those who hear the page. */
export function heard(text) {
  return element("span", { className: "visually-hidden" }, text);
}

/** Sets a text only where it differs, so that nothing is drawn or read out anew for nothing. */
export function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}
