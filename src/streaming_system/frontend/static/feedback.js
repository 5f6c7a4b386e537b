// Sends the form for feedback on a talk without leaving the page. Without this script, the form leads to the talk's page.

const KEY = "feedback";
const TIMEOUT = 15000;
const RESULTS = { "feedback-closed": "closed", "unknown-talk": "closed", "limit-reached": "full", "invalid": "invalid", "too-many-requests": "limited" };

let ownId = "";
/** The random number by which a second opinion replaces the first. */
function browserId() {
  try {
    ownId ||= localStorage.getItem(KEY) ?? "";
  } catch {
    // The browser has no storage for this site: the number lives as long as the page.
  }
  if (!/^[0-9a-f]{32}$/.test(ownId)) {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    ownId = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    try {
      localStorage.setItem(KEY, ownId);
    } catch {
      // See above.
    }
  }
  return ownId;
}

/** Send a form; return the name of the result. */
async function send(form) {
  const fields = new FormData(form);
  const body = { stars: Number(fields.get("stars")), comment: fields.get("comment").replaceAll("\r\n", "\n"), browser: browserId() };
  try {
    // Text needs no preflight request at another host.
    const response = await fetch(form.dataset.feedback, {
      method: "POST", body: JSON.stringify(body), credentials: "omit", signal: AbortSignal.timeout?.(TIMEOUT),
    });
    if (response.ok) return "sent";
    const { type = "" } = await response.json();
    return RESULTS[type.split("#")[1]] ?? "failed";
  } catch {
    return "failed";
  }
}

document.addEventListener("input", ({ target }) => {
  const form = target.closest("form[data-feedback]");
  // live-updates.js leaves a form in use as it is.
  if (form) form.dataset.inUse = "typed";
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-feedback]")) return;
  event.preventDefault();
  const button = form.querySelector("button");
  if (button.getAttribute("aria-disabled") === "true") return;
  const line = form.querySelector(".feedback-result");
  button.setAttribute("aria-disabled", "true");
  line.textContent = "";
  const result = await send(form);
  button.removeAttribute("aria-disabled");
  line.textContent = form.dataset[result];
  form.dataset.inUse = result === "sent" ? "sent" : "typed";
});
