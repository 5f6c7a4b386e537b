// Shows the share section as a dialog, with buttons that copy and a button for the device's own share function. Without
// this script the section unfolds, and the viewer copies by hand.

import { t } from "./i18n.js";
import { addPosition, currentPosition } from "./start-time.js";

function makeButton(label, action) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  button.addEventListener("click", action);
  return button;
}

/** Copy a field's text; return false and leave it selected if the browser refuses. */
async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // The clipboard API requires https; execCommand does not.
    return document.execCommand("copy");
  }
}

/** Return a checkbox that lets the link start at a position. */
function makeStartChoice(body, { value, label: time }) {
  const link = body.querySelector("input");
  const checkbox = document.createElement("input");
  checkbox.type = "checkbox";
  checkbox.addEventListener("change", () => {
    link.value = checkbox.checked ? addPosition(body.dataset.url, value) : body.dataset.url;
  });
  const label = document.createElement("label");
  label.className = "share-start";
  label.append(checkbox, " ", t("Start at {time}", { time }));
  return label;
}

function makeDialog(details) {
  const dialog = document.createElement("dialog");
  dialog.className = "share-dialog";
  const body = details.querySelector(".share-body").cloneNode(true);
  const title = body.querySelector("h2");
  title.id = "share-title";
  title.classList.remove("visually-hidden");
  dialog.setAttribute("aria-labelledby", title.id);
  const status = document.createElement("p");
  status.setAttribute("role", "status");
  for (const row of body.querySelectorAll(".share-one")) {
    const label = row.querySelector("label");
    const field = row.querySelector("input, textarea");
    // The original below the dialog has the same id.
    field.id += "-here";
    label.htmlFor = field.id;
    const button = makeButton(t("Copy"), async () => {
      const isCopied = await copy(field);
      // Screen readers announce a status only when its text changes.
      status.textContent = "";
      const name = label.textContent;
      const text = isCopied ? t("Copied: {name}", { name }) : t("Selected: {name}. Copy it with your keyboard.", { name });
      requestAnimationFrame(() => { status.textContent = text; });
    });
    button.setAttribute("aria-label", t("Copy: {name}", { name: label.textContent }));
    row.append(button);
  }
  const position = currentPosition();
  if (position) body.querySelector(".share-one").after(makeStartChoice(body, position));
  const footer = document.createElement("p");
  footer.className = "share-foot";
  const { title: name, url } = body.dataset;
  if (navigator.share && navigator.canShare?.({ title: name, url })) {
    // share() rejects when the viewer cancels.
    const link = body.querySelector("input");
    footer.append(makeButton(t("Share with an app"), () => navigator.share({ title: name, url: link.value }).catch(() => {})));
  }
  footer.append(makeButton(t("Close"), () => dialog.close()));
  body.append(status, footer);
  dialog.append(body);
  // A click on the backdrop closes the dialog.
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  return dialog;
}

document.addEventListener("click", (event) => {
  const summary = event.target.closest?.(".share > summary");
  if (!summary) return;
  event.preventDefault();
  makeDialog(summary.parentElement).showModal();
});
