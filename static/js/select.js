/* Rows selected in a list: one, a range with shift, the page, or all that match the filter. */
(function () {
  "use strict";
  const grouped = new Intl.NumberFormat("en-US");
  let last = null;

  const scopeOf = (node) => node.closest("form, .panel") || document.body;
  const boxes = (scope) => [...scope.querySelectorAll("[data-select-row]")];

  function show(scope) {
    const all = boxes(scope);
    const chosen = all.filter((box) => box.checked).length;
    const page = scope.querySelector("[data-select-page]");
    if (page) {
      page.checked = chosen > 0 && chosen === all.length;
      page.indeterminate = chosen > 0 && chosen < all.length;
    }
    const bar = scope.querySelector("[data-bulk]");
    if (!bar) return;
    const every = bar.querySelector("[data-select-all]");
    if (every && !chosen) every.checked = false;
    bar.classList.toggle("is-active", chosen > 0);
    // The number follows a live refresh, and so do the words: whoever chose all hears how many they are now.
    const total = bar.querySelector("[data-total]")?.textContent;
    const words = every?.checked ? `All ${total} that match selected` : `${grouped.format(chosen)} selected`;
    const node = bar.querySelector("[data-selected]");
    if (node.textContent !== words) node.textContent = words;
  }

  function range(scope, from, to) {
    const all = boxes(scope);
    const [start, end] = [all.indexOf(from), all.indexOf(to)].sort((a, b) => a - b);
    if (start >= 0) all.slice(start, end + 1).forEach((box) => (box.checked = to.checked));
  }

  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches || !box.matches("[data-select-row]")) return;
    if (event.shiftKey && last && last.isConnected) range(scopeOf(box), last, box);
    last = box;
  });

  document.addEventListener("change", (event) => {
    const node = event.target;
    const scope = scopeOf(node);
    if (node.matches("[data-select-page]")) boxes(scope).forEach((box) => (box.checked = node.checked));
    if (node.matches("[data-select-all]") && node.checked) boxes(scope).forEach((box) => (box.checked = true));
    if (node.matches("[data-select-row]") && !node.checked) {
      const every = scope.querySelector("[data-select-all]");
      if (every) every.checked = false;
    }
    if (node.matches("[data-select-page], [data-select-all], [data-select-row]")) show(scope);
  });

  /* The selection ends with the action: when the server has done what the bar's form asked, in a dialog or at once. */
  let acting = "";

  function panelOf(form) {
    const bars = [...document.querySelectorAll("[data-bulk]")];
    const bar = bars.find((each) => each.querySelector("[name=query]").form === form);
    return bar ? bar.closest(".panel").id : "";
  }

  document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
    if (!elt.closest("dialog")) acting = elt.matches("form") ? panelOf(elt) : elt.matches("[data-live]") ? acting : "";
  });
  document.addEventListener("ops:close-dialog", () => {
    const panel = acting && document.getElementById(acting);
    acting = "";
    if (!panel) return;
    for (const box of panel.querySelectorAll("[data-select-row], [data-select-page], [data-select-all]")) box.checked = false;
    showAll();
  });

  const showAll = () => document.querySelectorAll("[data-bulk]").forEach((bar) => show(scopeOf(bar)));
  document.addEventListener("ops:restored", showAll);
  showAll();
})();
