/* A request that fails with 429, 500, 503 or a lost network is sent again: three times, with growing waits and never
   sooner than Retry-After; then there is a button. A write is only sent again by itself when the server says that it did
   nothing (429, or 503 with Retry-After) or its element is marked data-idempotent. */
(function () {
  "use strict";
  const WAITS_MS = [1000, 3000, 8000];
  const AGAIN = new Set([0, 429, 500, 503]);
  const tries = new WeakMap();
  const notes = new WeakMap();

  function waitMs(xhr, count) {
    const asked = Number(xhr.getResponseHeader("Retry-After")) * 1000 || 0;
    return Math.max(WAITS_MS[count], Math.min(asked, 60000)) * (1 + Math.random() * 0.2);
  }

  function mayRepeat(config, xhr) {
    if (config.verb === "get" || config.elt.matches("[data-idempotent]")) return true;
    return xhr.status === 429 || (xhr.status === 503 && xhr.getResponseHeader("Retry-After") !== null);
  }

  /* A refresh may have redrawn what was clicked: its twin asks again, for the panel of the same id. */
  function standing(config) {
    const { elt, path, target } = config;
    const twin = elt.isConnected ? elt : document.querySelector(`[hx-get="${CSS.escape(path)}"]`);
    return [twin, target.isConnected ? target : document.getElementById(target.id)];
  }

  function send(config, count) {
    const [source, target] = standing(config);
    clear(config.elt);
    if (!source || !target) return;
    tries.set(source, count);
    htmx.ajax(config.verb, config.path, { source, target });
  }

  function note(elt, text, action) {
    const panel = elt.closest("[data-live]");
    const place = panel && panel.querySelector("[data-note]");
    if (!place) return toastNote(elt, text, action);
    // Then the panel says so already, with the time of its data (connection.js).
    if (document.documentElement.classList.contains("is-disconnected")) return;
    panel.classList.add("is-stale");
    place.replaceChildren(text, ...(action ? [" ", button(action)] : []));
    place.hidden = false;
  }

  function toastNote(elt, text, action) {
    clear(elt);
    const node = window.ops.toast({ text, level: action ? "bad" : "warn" });
    if (action) node.querySelector("[data-dismiss]").before(button(() => { node.remove(); action(); }));
    notes.set(elt, node);
  }

  function button(action) {
    const node = document.createElement("button");
    node.type = "button";
    node.className = "link";
    node.textContent = "Try again";
    node.addEventListener("click", action);
    return node;
  }

  function clear(elt) {
    if (notes.has(elt)) notes.get(elt).remove();
    notes.delete(elt);
  }

  function seen(panel) {
    const at = panel && panel.dataset.seen ? new Date(Number(panel.dataset.seen)) : null;
    if (!at) return "";
    const minutes = Math.round((Date.now() - at) / 60000);
    return `, last seen ${minutes < 1 ? "less than a minute" : `${minutes} min`} ago`;
  }

  function failed(event) {
    const { xhr, requestConfig: config } = event.detail;
    if (!config || !AGAIN.has(xhr.status)) return;
    const elt = config.elt;
    const count = tries.get(elt) || 0;
    const again = () => send(config, 0);
    if (count < WAITS_MS.length && mayRepeat(config, xhr)) {
      note(elt, `Unavailable${seen(elt.closest("[data-live]"))}. Retrying…`);
      setTimeout(() => send(config, count + 1), waitMs(xhr, count));
    } else {
      tries.delete(elt);
      const words = config.verb === "get" ? "Unavailable" : "This may not have been done: look before you send it again";
      note(elt, `${words}${seen(elt.closest("[data-live]"))}.`, again);
    }
  }

  function recovered(event) {
    const elt = event.detail.requestConfig && event.detail.requestConfig.elt;
    if (!elt || !event.detail.successful) return;
    tries.delete(elt);
    clear(elt);
    const panel = elt.closest("[data-live]");
    if (!panel) return;
    if (!document.documentElement.classList.contains("is-disconnected")) panel.classList.remove("is-stale");
    panel.dataset.seen = Date.now();
    const place = panel.querySelector("[data-note]");
    if (place && !("disconnected" in place.dataset)) place.hidden = true;
  }

  const mark = () => document.querySelectorAll("[data-live]:not([data-seen])").forEach((panel) => (panel.dataset.seen = Date.now()));
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:timeout", failed);
  document.addEventListener("htmx:afterRequest", recovered);
  document.addEventListener("htmx:afterSettle", mark);
  mark();
})();
