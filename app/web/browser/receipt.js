// A receipt is a secret: no address that a server sees holds one. It is the fragment of its link, and leaves that as
// soon as the page is there. What follows it there, behind an &, is the part of the receipt's page to be shown.
import { element } from "./dom.js";

export const receiptLink = (receipt) => `/receipt#${receipt}`;

/** Reports whether the browser keeps this site's cookies, without which no receipt opens in it. */
export function keepsCookies() {
  const probe = "dossier_probe=1";
  document.cookie = `${probe}; path=/; SameSite=Lax`;
  const kept = document.cookie.split("; ").includes(probe);
  document.cookie = "dossier_probe=; path=/; max-age=0";
  return kept;
}

/** Has the server set the receipt's cookie, and returns the path of its page; undefined where it refuses. */
export async function openReceipt(receipt) {
  const body = new URLSearchParams({ receipt });
  const answer = await fetch("/receipt", { method: "POST", body, redirect: "manual" });
  // The redirect leads there, and is not followed.
  return answer.type === "opaqueredirect" ? `/receipt/${personOf(receipt)}` : undefined;
}

/** Opens the receipt of the page's fragment, by the form that asks for one where that is refused. */
export function openByFragment(form) {
  const open = async () => {
    const [receipt, part] = location.hash.slice(1).split("&");
    if (receipt.length !== 64) return;
    if (!keepsCookies()) {
      // The link stays in the address: whoever allows cookies loads the page again.
      form.before(cookiesNeeded("Allow cookies for this site, then reload the page."));
      return;
    }
    history.replaceState(null, "", location.pathname);
    form.elements.receipt.value = receipt;
    try {
      const path = await openReceipt(receipt);
      // Of the page that brought the receipt none stays in the browser's history.
      if (path) location.replace(part ? `${path}#${part}` : path);
      else form.submit();
    } catch {
      // Without a network the button tries again.
    }
  };
  addEventListener("hashchange", open);
  open();
}

/** Says that the browser accepts no cookies, and what to do. */
export function cookiesNeeded(advice, ...more) {
  const heading = element("h2", {}, "This browser does not accept cookies from this site");
  return element("div", { className: "alert alert-warn", role: "alert" }, heading, element("p", {}, advice), ...more);
}

/** Returns the id of a receipt's person: its first 16 bytes, as a UUID. */
function personOf(receipt) {
  const bytes = atob(receipt.replaceAll("-", "+").replaceAll("_", "/")).slice(0, 16);
  const hex = [...bytes].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
