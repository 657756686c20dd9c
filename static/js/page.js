/* Small things that every page has: the CSRF header, theme, copy by click, slow requests. */
(function () {
  "use strict";
  const root = document.documentElement;
  root.classList.add("scripted");

  const token = document.querySelector("meta[name=csrf-token]");
  document.addEventListener("htmx:configRequest", (event) => {
    const { verb, headers, elt, formData } = event.detail;
    if (verb !== "get" && token) headers["X-CSRFToken"] = token.content;
    if (elt.matches("[data-filter]")) keepOthers(elt, formData);
  });

  /* A tab or a column has changed the address since the filter was drawn: what they own stays as it is there. */
  function keepOthers(form, formData) {
    const address = new URLSearchParams(location.search);
    for (const name of form.dataset.filter.split(",")) formData.set(name, address.get(name) || "");
    dropEmpty(formData);
  }

  function dropEmpty(formData) {
    for (const [name, value] of [...formData.entries()]) if (value === "") formData.delete(name);
  }

  /* What a list's CSV holds is what the list shows now. */
  function withAddress(given) {
    const address = new URLSearchParams(location.search);
    address.delete("cursor");
    for (const [name, value] of new URLSearchParams(given)) address.set(name, value);
    return address.toString();
  }

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
    const csv = at("[data-csv]");
    if (csv) csv.search = withAddress(csv.dataset.csv);
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
  document.addEventListener("htmx:beforeSend", ({ detail: { elt, xhr } }) => {
    xhr.addEventListener("load", () => {
      const said = xhr.getResponseHeader("HX-Trigger");
      if (!said || elt.isConnected) return;
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
