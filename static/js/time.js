/* Times stay relative and true while the page is open; on hover the exact one, here and in UTC. */
(function () {
  "use strict";
  const SPANS = [[86400, "d"], [3600, "h"], [60, "min"]];
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

  function relative(seconds) {
    const size = Math.floor(Math.abs(seconds));
    if (size < 1) return "just now";
    const span = SPANS.find(([length]) => size >= length);
    const words = span ? `${Math.floor(size / span[0])} ${span[1]}` : `${size} s`;
    return seconds > 0 ? `${words} ago` : `in ${words}`;
  }

  function tick() {
    for (const node of document.querySelectorAll("time[datetime]")) {
      const moment = new Date(node.dateTime);
      if (isNaN(moment)) continue;
      const words = relative((Date.now() - moment) / 1000);
      if (node.textContent !== words) node.textContent = words;
      if (!node.dataset.exact) {
        node.dataset.exact = "1";
        node.title = `${local.format(moment)}\n${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
      }
    }
  }

  tick();
  setInterval(() => document.hidden || tick(), 1000);
  document.addEventListener("htmx:afterSettle", tick);
})();
