/* Everything by keyboard: search, pages, rows. `?` lists the keys. */
(function () {
  "use strict";
  const search = document.getElementById("search");
  const help = document.getElementById("keys");
  let awaiting = 0;

  const typing = (node) => node.matches("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]");

  function go(key) {
    const link = document.querySelector(`#rail a[data-key="${CSS.escape(key)}"]`);
    if (link) location.assign(link.href);
  }

  function rows() {
    return [...document.querySelectorAll("main tr[data-key]")];
  }

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement.closest("tr[data-key]"));
    const next = all[Math.min(Math.max(at + step, 0), all.length - 1)];
    next.tabIndex = -1;
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function onRow(selector) {
    const row = document.activeElement.closest("tr[data-key]");
    const found = row && row.querySelector(selector);
    if (found) found.click();
    return Boolean(found);
  }

  /* The switch of the row in focus; without one, the only switch of the page. */
  function toggle() {
    if (onRow("[role=switch]:enabled")) return;
    const all = document.querySelectorAll("main [role=switch]:enabled");
    if (all.length === 1) all[0].click();
  }

  /* The newest notice that can be undone. */
  function undo() {
    const buttons = document.querySelectorAll("#toasts form[data-undo] button");
    if (buttons.length) buttons[buttons.length - 1].click();
  }

  const ACTIONS = {
    "/": () => search && search.focus(),
    "?": () => help && help.showModal(),
    g: () => (awaiting = Date.now()),
    j: () => move(1),
    k: () => move(-1),
    x: () => onRow("[data-select-row]"),
    t: toggle,
    z: undo,
  };

  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k" && search) {
      event.preventDefault();
      search.focus();
      return search.select();
    }
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (typing(event.target)) return void (event.key === "Escape" && event.target.blur());
    if (event.key === "Enter" && event.target.matches("tr[data-key]")) return void onRow("a[href]");
    if (awaiting && Date.now() - awaiting < 1500) {
      awaiting = 0;
      return go(event.key);
    }
    const action = ACTIONS[event.key];
    if (action) {
      event.preventDefault();
      action();
    }
  });
})();
