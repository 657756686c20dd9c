/* On a narrow screen a table's rows become cards: each cell on a line of its own, with its column's name. The rows are
   not touched: names come from a style sheet of rules, one set for each set of columns. Without a script tables scroll
   sideways. Lists with a narrow form of their own keep their columns. */
(function () {
  "use strict";
  const OWN_FORM = /^\/(operations\/((errors|actions|dead-letters)\/)?|quotas\/((tiers|resources|storage)\/)?)$/;
  if (OWN_FORM.test(location.pathname)) return;
  const sheet = new CSSStyleSheet();
  const known = new Map();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

  function numberOf(labels) {
    const key = labels.join("\n");
    if (!known.has(key)) {
      known.set(key, known.size + 1);
      labels.forEach((label, index) => rule(known.size, index + 1, label));
    }
    return known.get(key);
  }

  function rule(number, column, label) {
    if (!label) return;
    const cell = `.cards[data-columns="${number}"] tbody tr > :nth-child(${column})`;
    sheet.insertRule(`@media (max-width: 640px) { ${cell}::before { content: ${JSON.stringify(label)} } }`);
  }

  function mark(table) {
    const heads = [...table.querySelectorAll(":scope > thead > tr:last-child > th")];
    if (!heads.length) return;
    const labels = heads.map((head) => (head.matches(".pick") ? "" : head.textContent.trim().replace(/\s+/g, " ")));
    table.dataset.columns = numberOf(labels);
    table.classList.add("cards");
  }

  const markAll = () => document.querySelectorAll("main table.table:not(.cards), dialog table.table:not(.cards)").forEach(mark);
  new MutationObserver(markAll).observe(document.body, { childList: true, subtree: true });
  markAll();
})();
