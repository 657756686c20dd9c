/* Panels marked data-live are read again when their topic changes. Nothing that the person holds is taken away:
   selection, focus, scroll, open details and typed text survive, and while a list is being worked on its rows change in
   place, rows that left are struck out, and new ones wait behind "3 new". */
(function () {
  "use strict";
  const pending = new Map();

  /* --- did something change while an answer was under way? Its panel is read once more. --- */
  const heard = new Map();
  const began = new WeakMap();
  const hear = (panels) => panels.forEach((panel) => heard.set(panel.id, performance.now()));
  document.addEventListener("ops:heard", (event) => {
    hear(document.querySelectorAll(`[data-live][hx-trigger*="sse:${CSS.escape(event.detail)}"]`));
  });
  document.addEventListener("ops:refresh", () => hear(document.querySelectorAll("[data-live]")), true);
  document.addEventListener("htmx:beforeRequest", (event) => began.set(event.detail.xhr, performance.now()));
  document.addEventListener("htmx:afterSettle", (event) => {
    const { elt, xhr } = event.detail;
    if (elt?.matches("[data-live]") && heard.get(elt.id) > began.get(xhr)) htmx.trigger(elt, "sse:refresh");
  });

  /* --- what the person holds --- */
  const keyOf = (box) => `${box.name}=${box.value}`;
  const isTyped = (node) => node.matches("textarea, select, input") && !node.closest("[data-filter]");

  function busy(panel) {
    const focus = document.activeElement;
    const working = focus && focus !== panel && panel.contains(focus) && focus.closest("tr[data-key]");
    return Boolean(working || panel.querySelector("[data-select-row]:checked") || panel.querySelector("tbody tr:hover"));
  }

  function editing(panel) {
    const typed = [...panel.querySelectorAll("input, textarea")].filter(isTyped);
    return typed.some((node) => (node.type === "checkbox" || node.type === "radio" ? false : node.value !== node.defaultValue));
  }

  /* What was sent and accepted is no longer being typed: the panel is read again with it. */
  document.addEventListener("htmx:afterRequest", ({ detail: { elt, successful } }) => {
    if (!successful || !elt.matches("form[hx-post]") || !elt.closest("[data-live]")) return;
    for (const node of elt.querySelectorAll("input, textarea")) node.defaultValue = node.value;
  });

  /* What a bulk in this panel is about: the filter, on whatever page and in whatever order. */
  function meant(panel) {
    const query = new URLSearchParams(panel.querySelector("[data-bulk] [name=query]")?.value);
    for (const name of ["cursor", "sort"]) query.delete(name);
    return query.toString();
  }

  function remember(panel) {
    const focus = panel.contains(document.activeElement) ? document.activeElement : null;
    return {
      picked: new Set([...panel.querySelectorAll("[data-select-row]:checked")].map(keyOf)),
      every: Boolean(panel.querySelector("[data-select-all]:checked")),
      meant: meant(panel),
      open: [...panel.querySelectorAll("details[open][id]")].map((node) => node.id),
      scroll: [...panel.querySelectorAll(".table-wrap")].map((node) => [node.scrollLeft, node.scrollTop]),
      focus: focus && pathTo(focus, panel),
    };
  }

  function pathTo(node, panel) {
    if (node.id) return { id: node.id };
    const row = node.closest("tr[data-key]");
    const scope = row || panel;
    const same = [...scope.querySelectorAll(node.tagName)];
    return { row: row && row.dataset.key, self: node === row, tag: node.tagName, index: same.indexOf(node) };
  }

  function find(path, panel) {
    if (path.id) return document.getElementById(path.id);
    const scope = path.row ? panel.querySelector(`tr[data-key="${CSS.escape(path.row)}"]`) : panel;
    if (!scope) return null;
    if (path.self) scope.tabIndex = -1;
    return path.self ? scope : scope.querySelectorAll(path.tag)[path.index];
  }

  /* Under another filter a selection would mean other rows: then it is over. */
  function reselect(panel, held) {
    for (const box of panel.querySelectorAll("[data-select-row]")) if (held.picked.has(keyOf(box))) box.checked = true;
    const every = panel.querySelector("[data-select-all]");
    if (every) every.checked = held.every && held.picked.size > 0;
    if (every?.checked) panel.querySelectorAll("[data-select-row]").forEach((box) => (box.checked = true));
  }

  function restore(panel, held) {
    if (held.meant === meant(panel)) reselect(panel, held);
    for (const id of held.open) {
      const node = document.getElementById(id);
      if (node) node.open = true;
    }
    panel.querySelectorAll(".table-wrap").forEach((node, index) => {
      if (held.scroll[index]) [node.scrollLeft, node.scrollTop] = held.scroll[index];
    });
    const focused = held.focus && find(held.focus, panel);
    if (focused) focused.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("ops:restored"));
  }

  /* --- rows in place --- */
  const rowsOf = (panel) => new Map([...panel.querySelectorAll("tr[data-key]")].map((row) => [row.dataset.key, row]));

  function differs(a, b) {
    const plain = (row) => {
      const copy = row.cloneNode(true);
      copy.querySelectorAll("time").forEach((node) => (node.textContent = node.title = ""));
      copy.querySelectorAll("time").forEach((node) => node.removeAttribute("data-exact"));
      ["class", "tabindex"].forEach((name) => copy.removeAttribute(name));
      return copy.innerHTML.replace(/\s+/g, " ");
    };
    return plain(a) !== plain(b);
  }

  function merge(panel, fresh) {
    const [now, next] = [rowsOf(panel), rowsOf(fresh)];
    const held = remember(panel);
    let gone = 0;
    for (const [key, row] of now) {
      const newer = next.get(key);
      row.classList.toggle("is-gone", !newer);
      if (!newer) gone += 1;
      else if (differs(row, newer)) replace(row, newer);
    }
    for (const part of ["tabs", "pager", "live-part"]) exchange(panel, fresh, `.${part}`);
    restore(panel, held);
    const added = [...next.keys()].filter((key) => !now.has(key)).length;
    offer(panel, added, gone);
  }

  function exchange(panel, fresh, selector) {
    const newer = fresh.querySelectorAll(selector);
    panel.querySelectorAll(selector).forEach((part, index) => {
      if (newer[index] && newer[index].outerHTML !== part.outerHTML) replace(part, newer[index]);
    });
  }

  function replace(row, newer) {
    const copy = document.importNode(newer, true);
    row.replaceWith(copy);
    htmx.process(copy);
  }

  function offer(panel, added, gone) {
    const old = panel.querySelector(".fresh");
    if (old) old.remove();
    if (!added && !gone) return;
    const words = [added && `${added} new`, gone && `${gone} gone`].filter(Boolean).join(", ");
    const bar = document.createElement("div");
    const button = document.createElement("button");
    bar.className = "fresh";
    button.type = "button";
    button.className = "button small";
    button.textContent = `${words}: show`;
    button.addEventListener("click", () => apply(panel.id));
    bar.append(button);
    const table = panel.querySelector(".table-wrap") || panel.querySelector("table");
    table.before(bar);
  }

  function apply(id) {
    const panel = document.getElementById(id);
    panel.dataset.whole = "1";
    htmx.trigger(panel, "ops:apply");
    htmx.ajax("get", panel.getAttribute("hx-get"), { source: panel, target: panel, swap: "outerHTML" });
  }

  /* --- the refresh itself --- */
  document.addEventListener("htmx:beforeRequest", (event) => {
    const panel = event.detail.elt;
    if (panel.matches("[data-live]") && document.hidden) event.preventDefault();
  });

  /* What a person asks of a panel goes before its own refresh, which would replace what their answer is meant for. */
  const asked = new Map();
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target, xhr } = event.detail;
    if (!target.matches("[data-live]")) return;
    if (elt === target) {
      if (asked.has(target.id)) event.preventDefault();
      return;
    }
    asked.set(target.id, xhr);
    htmx.trigger(target, "htmx:abort");
  });
  document.addEventListener("htmx:afterRequest", ({ detail: { target, xhr } }) => {
    if (asked.get(target.id) === xhr) asked.delete(target.id);
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig, serverResponse, xhr } = event.detail;
    if (!target.matches || !target.matches("[data-live]") || xhr.status !== 200) return;
    const own = requestConfig.elt === target;
    const fresh = new DOMParser().parseFromString(serverResponse, "text/html").getElementById(target.id);
    if (!fresh) {
      event.detail.shouldSwap = false; // signed out, or another page: leave what stands
      return;
    }
    if (!own || target.dataset.whole) return void pending.set(target.id, remember(target));
    if (editing(target)) return void (event.detail.shouldSwap = false);
    if (busy(target) && rowsOf(target).size) {
      event.detail.shouldSwap = false;
      merge(target, fresh);
    } else {
      pending.set(target.id, remember(target));
    }
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const panel = document.getElementById(event.detail.elt?.id);
    const held = panel && pending.get(panel.id);
    if (!held) return;
    pending.delete(panel.id);
    restore(panel, held);
  });
})();
