/* Whether what the page shows is current. The stream's status events prove it; without a stream the server is asked every
   five seconds. While neither server nor database answers, the header says "Disconnected" and every panel says as of when
   its data is: one time for all, that of the last proof. A click that gets no answer says that it is waiting. */
(function () {
  "use strict";
  const SILENT_MS = 8000; // the stream says something every 5 s
  const CHECK_EVERY_MS = 5000;
  const CHECK_TIMEOUT_MS = 3000;
  const WAITING_MS = 1500;
  const READ_TIMEOUT_MS = 30000;
  const root = document.documentElement;
  const state = document.getElementById("live-state");
  const address = document.body.dataset.status;
  const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const WORDS = {
    live: ["Live", "Changes show at once"],
    polling: ["Every 15 s", "The live connection is not available: the page is read again every 15 seconds"],
    server: ["Disconnected", "The console does not answer"],
    database: ["Disconnected", "The console's database does not answer"],
  };
  let stream = { open: false, database: null, heardAt: 0 };
  let provedAt = Date.now();
  let checkedAt = 0;
  let problem = "";

  const isLive = () => stream.open && stream.database !== false && Date.now() - stream.heardAt < SILENT_MS;

  function proved() {
    provedAt = Date.now();
    const was = problem;
    problem = "";
    show();
    if (was) htmx.trigger(document.body, "ops:refresh");
  }

  /* A stream that still speaks knows better than a request that waited for the database. */
  function failed(kind) {
    const speaks = stream.open && Date.now() - stream.heardAt < SILENT_MS;
    problem = speaks && stream.database === false ? "database" : kind;
    show();
  }

  function show() {
    root.classList.toggle("is-disconnected", Boolean(problem));
    say(WORDS[problem || (isLive() ? "live" : "polling")]);
    document.querySelectorAll("main .panel").forEach(problem ? mark : unmark);
  }

  function say([word, title]) {
    if (!state) return;
    state.hidden = false;
    state.classList.toggle("on", word === "Live");
    state.classList.toggle("off", word === "Disconnected");
    const node = state.querySelector("[data-word]");
    if (node.textContent !== word) node.textContent = word;
    state.title = title;
  }

  /* --- every panel says as of when its data is --- */
  function mark(panel) {
    const note = panel.querySelector(":scope > [data-note]") || added(panel);
    const text = `Disconnected. Data as of ${clock.format(provedAt)}.`;
    if (note.textContent !== text) note.textContent = text;
    note.hidden = false;
    note.dataset.disconnected = "";
    panel.classList.add("is-stale");
  }

  function added(panel) {
    const note = document.createElement("p");
    note.className = "panel-note";
    note.dataset.note = note.dataset.added = "";
    const head = panel.querySelector(":scope > .panel-head");
    if (head) head.after(note);
    else panel.prepend(note);
    return note;
  }

  function unmark(panel) {
    const note = panel.querySelector(":scope > [data-disconnected]");
    if (!note) return;
    panel.classList.remove("is-stale");
    if ("added" in note.dataset) return note.remove();
    delete note.dataset.disconnected;
    note.hidden = true;
    note.textContent = "";
  }

  /* --- what proves and disproves it --- */
  async function check() {
    if (!address || document.hidden) return;
    checkedAt = Date.now();
    try {
      const answer = await fetch(address, {
        headers: { Accept: "application/json", "X-Automatic": "1" },
        redirect: "manual", // whoever was signed out was answered too
        signal: AbortSignal.timeout(CHECK_TIMEOUT_MS),
      });
      if (answer.ok || answer.type === "opaqueredirect") proved();
      else failed(answer.status === 503 ? "database" : "server");
    } catch {
      failed("server");
    }
  }

  document.addEventListener("ops:stream", ({ detail: { open } }) => {
    stream = { open, database: null, heardAt: open ? Date.now() : 0 };
    // A stream ends every few minutes and begins again at once: that is no reason to ask.
    if (open) show();
  });
  document.addEventListener("ops:status", ({ detail: { database } }) => {
    const lost = stream.database !== false && database === false;
    stream = { open: true, database, heardAt: Date.now() };
    if (database) return proved();
    if (!lost) return;
    // Shown at once. Where only the stream's own connection broke, the check says so a moment later.
    failed("database");
    check();
  });
  document.addEventListener("htmx:afterRequest", ({ detail: { elt, xhr, successful } }) => {
    if (successful && elt.matches("[data-live]")) return proved();
    if (xhr.status === 0 || xhr.status === 503) check();
  });
  document.addEventListener("htmx:afterSettle", () => problem && show());
  setInterval(() => {
    if (document.hidden) return;
    if (!isLive() && Date.now() - checkedAt >= CHECK_EVERY_MS) check();
    show();
  }, 1000);
  document.addEventListener("visibilitychange", () => document.hidden || (checkedAt = Date.now()));
  window.addEventListener("offline", () => failed("server"));

  /* --- a click that waits --- */
  const waiting = new Map();
  const words = () => (problem ? `${WORDS[problem][1]}. Waiting…` : "Waiting for the server…");
  const announce = () => window.ops.toast({ text: words(), level: "warn", stay: true });

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.verb === "get") detail.timeout = READ_TIMEOUT_MS;
    // A session without activity ends, and a panel that is read again is none.
    if (detail.elt.matches("[data-live]")) detail.headers["X-Automatic"] = "1";
  });
  document.addEventListener("htmx:beforeRequest", ({ detail: { elt, xhr } }) => {
    if (elt.matches("[data-live]")) return;
    waiting.set(xhr, { timer: setTimeout(() => (waiting.get(xhr).node = announce()), WAITING_MS) });
  });
  document.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
    const one = waiting.get(xhr);
    if (!one) return;
    clearTimeout(one.timer);
    if (one.node) one.node.remove();
    waiting.delete(xhr);
  });

  /* A link or a form that leads to another page; a download leaves this one where it is. */
  let clicked = null;
  document.addEventListener("click", (event) => (clicked = event.target.closest ? event.target.closest("a") : null), true);
  window.addEventListener("beforeunload", () => {
    if (clicked && clicked.matches("[data-csv], [download], [href*='format=csv']")) return;
    const timer = setTimeout(announce, WAITING_MS);
    window.addEventListener("pagehide", () => clearTimeout(timer), { once: true });
  });
})();
