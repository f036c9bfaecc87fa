// Submissions whose files an earlier page did not finish.
import { API } from "./api.js";
import { element } from "./dom.js";
import { receiptLink } from "./receipt.js";
import { ledger } from "./session.js";
import { askTabs, followTabs } from "./tabs.js";
import { counted } from "./words.js";

/** Shows them above the form, each with what can be done. */
export async function showEarlier(form, base) {
  for (const receipt of (await ledger.unfinished()).keys()) {
    if (receipt !== form.elements.receipt.value) await show(form, base, receipt);
  }
}

async function show(form, base, receipt) {
  const notice = element("div", { className: "alert alert-warn unfinished", role: "status" });
  const content = (heading, text, ...actions) => {
    const h2 = element("h2", { tabIndex: -1 }, heading);
    notice.replaceChildren(h2, element("p", {}, text), element("div", { className: "actions" }, ...actions));
    return h2;
  };
  const button = (text, press, className = "button button-quiet") => {
    const b = element("button", { type: "button", className }, text);
    b.addEventListener("click", press);
    return b;
  };
  const open = (text) => element("a", { className: "button", href: receiptLink(receipt) }, text);

  const offer = async () => {
    const count = (await ledger.of(receipt)).length;
    if (count === 0) {
      notice.remove();
      return undefined;
    }
    const files = counted(count, "unfinished file");
    const resume = element("a", { className: "button", href: `${receiptLink(receipt)}&add-files` }, "Resume");
    const discard = button(`Discard ${count === 1 ? "unfinished file" : files}…`, () => ask(count));
    return content(`An earlier submission has ${files}`, "Nothing that was uploaded is sent again.", resume, discard);
  };
  const ask = (count) => {
    const what = count === 1 ? "the unfinished file" : counted(count, "unfinished file");
    const text = "What was uploaded of it will be deleted. Your details and the files that are stored stay.";
    const keep = button("Keep", async () => (await offer())?.focus());
    const discarding = button("Discard", discard, "button button-danger");
    content(`Discard ${what}?`, count === 1 ? text : text.replace("of it", "of them"), discarding, keep).focus();
  };
  const discard = async () => {
    const api = new API(base, receipt);
    const records = await ledger.of(receipt);
    await ledger.remove(records.map(({ id }) => id));
    const heading = `${counted(records.length, "unfinished file")} discarded`;
    content(heading, "Your details and the files that are stored stay.", open("Open the receipt")).focus();
    // What fails is removed by the server after a day.
    for (const { id } of records) await api.giveUp(id).catch(() => {});
  };

  const elsewhere = Object.keys(await askTabs(receipt)).length;
  if (elsewhere > 0) {
    const text = "Keep that tab open until it has finished.";
    const heading = `Another tab is sending ${counted(elsewhere, "file")} of an earlier submission`;
    content(heading, text, open("Open the receipt"));
    followTabs(receipt, () => {}).then(offer);
  } else {
    await offer();
  }
  form.before(notice);
}
