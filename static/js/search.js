/* The search box suggests while one types: a combobox with a list. Without this script it is a form like any other. */
(function () {
  "use strict";
  const input = document.getElementById("search");
  const list = document.getElementById("search-suggestions");
  if (!input || !list) return;
  const status = document.getElementById("search-status");
  let asked = null;
  let timer = 0;

  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", list.id);
  input.setAttribute("aria-expanded", "false");

  const options = () => [...list.querySelectorAll("[role=option]")];
  const chosen = () => list.querySelector("[aria-selected=true]");

  function show(open) {
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (!open) choose(null);
  }

  function choose(option) {
    for (const one of options()) one.setAttribute("aria-selected", String(one === option));
    if (!option) return input.removeAttribute("aria-activedescendant");
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  }

  function move(step) {
    const all = options();
    if (list.hidden || !all.length) return suggest();
    const at = all.indexOf(chosen());
    choose(all[(at + step + all.length + (at < 0 && step < 0 ? 1 : 0)) % all.length]);
  }

  async function suggest() {
    const text = input.value.trim();
    if (asked) asked.abort();
    if (!text) return show(false);
    asked = new AbortController();
    try {
      const query = new URLSearchParams({ q: text });
      const answer = await fetch(`${input.dataset.suggest}?${query}`, { signal: asked.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok || answer.redirected) return show(false);
      const markup = await answer.text();
      if (input.value.trim() !== text || document.activeElement !== input) return;
      list.innerHTML = markup;
      show(true);
      const count = options().length - 1;
      status.textContent = count === 1 ? "1 suggestion" : `${count} suggestions`;
    } catch (error) {
      if (error.name !== "AbortError") show(false);
    }
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, 150);
  });

  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      show(false);
    } else if (event.key === "Enter" && !list.hidden && chosen()) {
      event.preventDefault();
      location.assign(chosen().dataset.href);
    }
  });

  /* Before the box loses focus, which closes the list. */
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option || event.button > 1) return;
    event.preventDefault();
    if (event.button === 1 || event.ctrlKey || event.metaKey) window.open(option.dataset.href, "_blank", "noopener");
    else location.assign(option.dataset.href);
  });
  input.addEventListener("blur", () => show(false));
})();
