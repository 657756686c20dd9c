// Keeps the page at what is so now, and sends what its buttons say.
const now = document.getElementById("now");
const answer = document.getElementById("answer");
const PAUSE_MS = 1000;

// Only what changed is replaced, and never under a finger: focus and half-made clicks stay.
function show(section, fresh) {
  if (section.outerHTML === fresh.outerHTML || section.matches(":active")) return;
  const focused = [...section.querySelectorAll("button")].indexOf(document.activeElement);
  section.replaceWith(fresh);
  fresh.querySelectorAll("button")[focused]?.focus();
}

async function refresh() {
  try {
    const response = await fetch(now.dataset.from);
    now.classList.toggle("stale", !response.ok);
    if (response.ok) {
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      fresh.querySelectorAll("section").forEach((section) => show(document.getElementById(section.id), section));
    }
  } catch {
    now.classList.add("stale");
  }
  setTimeout(refresh, PAUSE_MS);
}

async function send(button) {
  const headers = { "Content-Type": "application/json" };
  const { method = "POST", url, body: sent } = button.dataset;
  const response = await fetch(url, { method, headers, body: sent });
  const body = await response.json();
  return `${response.status}: ${body.detail || JSON.stringify(body)}`;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-url]");
  if (!button) return;
  try {
    for (let left = Number(button.dataset.times || 1); left > 0; left -= 1) answer.textContent = await send(button);
  } catch {
    answer.textContent = "No answer from the backend.";
  }
});

setTimeout(refresh, PAUSE_MS);
