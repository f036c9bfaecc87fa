// The form of the first page, which sends by the API.
import { API, Problem, newReceipt } from "./api.js";
import { Details } from "./details.js";
import { element, setText } from "./dom.js";
import { showEarlier } from "./earlier.js";
import { Session, prepare } from "./session.js";
import { View } from "./view.js";
import { sendText } from "./words.js";

const waiting = { network: "Waiting for the network…", busy: "Waiting because the site is busy…" };

/** Makes the form send by the API. */
export async function enhanceForm(form) {
  const prepared = await prepare(form.dataset);
  const { base, uploads } = prepared;
  // Browsers show one fault at a time. The server's answer shows all, each with a link to its field.
  form.noValidate = true;
  const box = form.querySelector(".file-box");
  const plain = box.querySelector("input[type=file]");
  const label = form.querySelector("label[for=files]");
  label.id = "files-label";
  const button = form.querySelector("button[type=submit]");
  let anew = button.textContent === asNew;
  const details = new Details(form);
  const chosenBefore = [...plain.files];
  const view = new View(uploads, {
    label: label.id, inputID: plain.id, heading: "h2", added: () => showButton(),
  });
  box.replaceChildren(view.element);
  setText(document.getElementById("files-hint"), view.hint);
  view.element.setAttribute("aria-describedby", "files-hint");
  const sentAs = element("p", { className: "sent-as", hidden: true });
  const session = new Session(prepared, view, () => (sentAs.hidden = true));
  form.prepend(sentAs);
  const status = element("p", { className: "send-status", role: "status" });
  form.querySelector(".send-status")?.remove();
  button.after(status);

  let registering = false;
  const showButton = () => {
    const chosen = uploads.all.filter((u) => u.state === "chosen");
    button.hidden = session.started && chosen.length === 0;
    const text = anew ? asNew : sendText(chosen, session.started ? "more file" : "file");
    setText(button, registering ? "Sending…" : text);
    if (registering) button.setAttribute("aria-disabled", "true");
    else button.removeAttribute("aria-disabled");
  };
  const showSent = (on) => {
    details.show(!on);
    sentAs.hidden = !on;
    sentAs.replaceChildren(
      "Your details are stored. Keep this page open until your files are stored too. ",
      element("a", { href: session.link, target: "_blank", rel: "noopener" }, "Open your private receipt in a new tab"),
      ".",
    );
    setText(status, "");
    showButton();
  };

  const submit = async () => {
    if (session.started) {
      await session.start();
      showButton();
      return;
    }
    const api = new API(base, form.elements.receipt.value);
    registering = true;
    showButton();
    details.clear();
    try {
      await api.register(details.typed, { waits: (why) => setText(status, waiting[why] ?? "") });
    } catch (e) {
      refused(e);
      return;
    } finally {
      registering = false;
      showButton();
    }
    anew = false;
    session.open(api, form.elements.receipt.value);
    const started = session.start();
    showSent(true);
    view.heading.focus();
    await started;
  };
  const refused = (e) => {
    setText(status, "");
    const unexpected = { code: "", message: `An unexpected error occurred in this browser: “${e.message}”.` };
    const problem = e instanceof Problem ? e : unexpected;
    switch (problem.code) {
      case "invalid":
        details.showFaults(problem);
        break;
      case "conflict":
        form.elements.receipt.value = newReceipt();
        anew = true;
        uploads.restart();
        details.showNotice(problem.message, "Your details and files are still here. Send them as a new submission.");
        break;
      default: {
        const quote = problem.requestID ? ` If you ask for help, quote this request: ${problem.requestID}.` : "";
        const again = "You can safely send the same form again: nothing is stored twice.";
        details.showNotice("Your submission is not confirmed", `${problem.message} ${again}${quote}`);
      }
    }
  };
  // Before the listeners of the plain form, which would lock its button.
  document.addEventListener(
    "submit",
    (event) => {
      if (event.target !== form) return;
      event.preventDefault();
      event.stopPropagation();
      if (!registering) submit();
    },
    true,
  );
  uploads.addEventListener("list", showButton);
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    // Back from the receipt to a page that the browser kept: the form again, with its files.
    session.back();
    showSent(false);
  });
  if (chosenBefore.length > 0) await uploads.add(chosenBefore.map((file) => ({ file, name: file.name })));
  await showEarlier(form, base);
}

const asNew = "Send as a new submission";
