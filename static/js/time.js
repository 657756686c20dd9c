/* Times stay relative and true while the page is open; on hover the exact one, here and in UTC. Fields for a date are in
   the zone that the page names, which the server learns by a cookie. */
(function () {
  "use strict";
  const SPANS = [[86400, "d", 3600], [3600, "h", 60], [60, "min", 1]];
  const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

  function relative(seconds) {
    const size = Math.floor(Math.abs(seconds));
    if (size < 1) return "just now";
    return seconds > 0 ? `${wholeUnits(size)} ago` : `in ${nearestUnit(size)}`;
  }

  function wholeUnits(size) {
    const span = SPANS.find(([length]) => size >= length);
    return span ? `${Math.floor(size / span[0])} ${span[1]}` : `${size} s`;
  }

  /* Rounded, so that what ends in 7 days is not "in 6 d" a second later; as in ops_console/web/formatting.py. */
  function nearestUnit(size) {
    for (const [length, name, finer] of SPANS) {
      const rounded = Math.floor((size + Math.floor(finer / 2)) / finer) * finer;
      if (rounded >= length) return `${Math.floor((rounded + length / 2) / length)} ${name}`;
    }
    return `${size} s`;
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

  /* --- fields for a date --- */
  const here = local.resolvedOptions().timeZone;
  const cookie = `timezone=${here}`;
  if (here && !document.cookie.split("; ").includes(cookie)) {
    document.cookie = `${cookie}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
  }

  /* The instant at which a clock in this zone shows `text`; twice, for an offset that changes near it. */
  function instant(text, zone) {
    const wall = Date.parse(`${text}Z`);
    const parts = { dateStyle: "short", timeStyle: "medium", timeZone: zone };
    const shown = new Intl.DateTimeFormat("sv", parts);
    const offset = (at) => Date.parse(`${shown.format(at).replace(" ", "T")}Z`) - Math.floor(at / 1000) * 1000;
    return wall - offset(wall - offset(wall));
  }

  function showUtc(field) {
    const output = field.parentNode.querySelector(`#${CSS.escape(field.id)} ~ output.utc`);
    if (!output) return;
    const at = field.value && instant(field.value, field.dataset.zone);
    output.value = at ? `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC` : "";
  }

  /* A typed date chooses "Custom date" in the select that it belongs to; another choice there clears it. */
  document.addEventListener("input", ({ target }) => {
    if (target.matches("input[data-zone]")) showUtc(target);
    const [name, value] = (target.dataset.chooses || "").split("=");
    const select = name && target.form.elements[name];
    if (select && target.value) select.value = value;
  });
  document.addEventListener("change", ({ target }) => {
    if (!target.matches("select") || !target.form) return;
    for (const field of target.form.querySelectorAll(`[data-chooses^="${CSS.escape(target.name)}="]`)) {
      if (field.dataset.chooses === `${target.name}=${target.value}`) continue;
      field.value = "";
      showUtc(field);
    }
  });
})();
