/* Small things that every page has: the CSRF header, theme, copy by click, slow requests. */
(function () {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  const token = document.querySelector("meta[name=csrf-token]");
  document.addEventListener("htmx:configRequest", (event) => {
    const { verb, headers, elt, formData } = event.detail;
    if (verb !== "get" && token) headers["X-CSRFToken"] = token.content;
    if (elt.matches("[data-filter]")) dropEmpty(formData);
  });

  function dropEmpty(formData) {
    for (const [name, value] of [...formData.entries()]) if (value === "") formData.delete(name);
    for (const name of [...formData.keys()]) {
      if (name.endsWith("_zone") && !formData.has(name.slice(0, -"_zone".length))) formData.delete(name);
    }
  }

  /* A tab or a page of the list brings its filter form anew: text that was typed and not yet sent goes with it. */
  document.addEventListener("htmx:oobBeforeSwap", ({ detail: { target, fragment } }) => {
    if (!target.matches("[data-filter]")) return;
    for (const field of target.querySelectorAll("input:not([type=hidden])")) {
      const fresh = fragment.querySelector(`[name="${CSS.escape(field.name)}"]`);
      if (fresh && field === document.activeElement && field.value !== field.defaultValue) fresh.value = field.value;
    }
    if (target.querySelector("details[open]")) fragment.querySelector("details").open = true;
  });

  /* Theme: kept in a cookie, so that the server writes it into the page and nothing flashes. */
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);
  const showTheme = () => root.classList.toggle("is-dark", isDark());
  systemDark.addEventListener("change", showTheme);
  showTheme();

  function toggleTheme() {
    root.dataset.theme = isDark() ? "light" : "dark";
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${secure}`;
    showTheme();
  }

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      window.ops.toast({ text: "Copied", level: "ok" });
    } catch {
      window.ops.toast({ text: `Copying is not allowed here. The text is: ${text}`, level: "warn" });
    }
  }

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest && event.target.closest(selector);
    const found = at("[data-copy]");
    if (found) copy(found.dataset.copy);
    if (at("[data-theme-toggle]")) toggleTheme();
  });
  for (const node of document.querySelectorAll("[data-theme-toggle]")) node.hidden = false;

  /* Signed out meanwhile: the answer is the sign-in page. A click goes there; a background refresh only says so. */
  let told = false;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    const signIn = document.body.dataset.signIn;
    if (!signIn || !xhr.responseURL || new URL(xhr.responseURL).pathname !== signIn) return;
    event.detail.shouldSwap = false;
    if (!requestConfig.elt.matches("[data-live]")) return location.reload();
    if (!told) window.ops.toast({ text: "You were signed out.", level: "bad", link_url: location.pathname, link_label: "Sign in" });
    told = true;
  });

  /* A refresh may replace the button whose request is under way: what the answer triggers would then reach nobody. */
  const heard = new WeakSet();
  document.addEventListener("htmx:beforeOnLoad", ({ detail }) => heard.add(detail.xhr));
  document.addEventListener("htmx:beforeSend", ({ detail: { elt, xhr } }) => {
    xhr.addEventListener("load", () => {
      const said = xhr.getResponseHeader("HX-Trigger");
      /* A toast that removes itself after its Undo was connected while its answer was heard. */
      if (!said || heard.has(xhr)) return;
      for (const [name, detail] of Object.entries(JSON.parse(said))) {
        document.dispatchEvent(new CustomEvent(name, { detail: { ...detail, elt } }));
      }
    });
  });

  /* A request that takes long says so after 200 ms; a panel's own refresh in the background does not. */
  const waiting = new Map();
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { xhr, elt } = event.detail;
    if (elt.matches("[data-live]")) return;
    waiting.set(xhr, setTimeout(() => root.classList.add("is-slow"), 200));
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    clearTimeout(waiting.get(event.detail.xhr));
    waiting.delete(event.detail.xhr);
    if (!waiting.size) root.classList.remove("is-slow");
  });
})();
