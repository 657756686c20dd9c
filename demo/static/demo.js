// Keeps the page at what is so now, and sends what its buttons say.
const now = document.getElementById("now");
const answer = document.getElementById("answer");

async function refresh() {
  try {
    const response = await fetch(now.dataset.from);
    if (response.ok) now.innerHTML = await response.text();
    now.classList.toggle("stale", !response.ok);
  } catch {
    now.classList.add("stale");
  }
  setTimeout(refresh, 1000);
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-post]");
  if (!button) return;
  const headers = { "Content-Type": "application/json" };
  try {
    const response = await fetch(button.dataset.post, { method: "POST", headers, body: button.dataset.body });
    const body = await response.json();
    answer.textContent = `${response.status}: ${body.detail || JSON.stringify(body)}`;
  } catch {
    answer.textContent = "No answer from the backend.";
  }
});

setTimeout(refresh, 1000);
