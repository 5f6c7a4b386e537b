// Makes a dialog of what can be shared, with buttons that copy, and one for the device's own way to share.
// Without it there is the same to read and to copy by hand.

import { t } from "./words.js";

function button(words, does) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = words;
  made.addEventListener("click", does);
  return made;
}

/** Copy a field's text; where the browser refuses, leave it selected. */
async function copy(field) {
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    // Browsers have no clipboard for sites without https; the old way still works there.
    return document.execCommand("copy");
  }
}

function makeDialog(details) {
  const dialog = document.createElement("dialog");
  dialog.className = "share-dialog";
  const body = details.querySelector(".share-body").cloneNode(true);
  const title = body.querySelector("h2");
  title.id = "share-title";
  title.classList.remove("visually-hidden");
  dialog.setAttribute("aria-labelledby", title.id);
  const says = document.createElement("p");
  says.setAttribute("role", "status");
  for (const one of body.querySelectorAll(".share-one")) {
    const label = one.querySelector("label");
    const field = one.querySelector("input, textarea");
    // The page below keeps its own.
    field.id += "-here";
    label.htmlFor = field.id;
    const press = button(t("Copy"), async () => {
      const done = await copy(field);
      // The same words twice would not be read out twice.
      says.textContent = "";
      const name = label.textContent;
      const words = done ? t("Copied: {name}", { name }) : t("Selected: {name}. Copy it with your keyboard.", { name });
      requestAnimationFrame(() => { says.textContent = words; });
    });
    press.setAttribute("aria-label", t("Copy: {name}", { name: label.textContent }));
    one.append(press);
  }
  const foot = document.createElement("p");
  foot.className = "share-foot";
  const { title: name, url } = body.dataset;
  if (navigator.share && navigator.canShare?.({ title: name, url })) {
    // Who changes their mind does not need to hear of it.
    foot.append(button(t("Share with an app"), () => navigator.share({ title: name, url }).catch(() => {})));
  }
  foot.append(button(t("Close"), () => dialog.close()));
  body.append(says, foot);
  dialog.append(body);
  // A click beside it leaves it.
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  return dialog;
}

document.addEventListener("click", (event) => {
  const opens = event.target.closest?.(".share > summary");
  if (!opens) return;
  event.preventDefault();
  makeDialog(opens.parentElement).showModal();
});
