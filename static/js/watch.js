/* Work that this browser began and that goes on without it: its end is announced by a notice, on whatever page of the
   console is open by then. The addresses to ask are kept in the browser, so that a reload or another page asks on. */
(function () {
  "use strict";
  const KEY = "ops.watched";
  const MOST = 20;
  const LONGEST_MS = 24 * 3600 * 1000;
  const EVERY_MS = 15000;
  const AT_MOST_EVERY_MS = 2000;

  /* [address, since] pairs. What cannot be read or kept (storage is full or off) is not watched. */
  function read() {
    try {
      const found = JSON.parse(localStorage.getItem(KEY)) || [];
      return found.filter(([url, since]) => url.startsWith("/") && Date.now() - since < LONGEST_MS);
    } catch {
      return [];
    }
  }

  function write(watched) {
    try {
      localStorage.setItem(KEY, JSON.stringify(watched.slice(-MOST)));
    } catch {
      /* then its end is seen on its page alone */
    }
  }

  const drop = (url) => write(read().filter(([each]) => each !== url));

  async function ask(url) {
    const answer = await fetch(url, { headers: { Accept: "application/json", "X-Automatic": "1" } });
    if (answer.status === 404) return drop(url);
    if (!answer.ok || answer.redirected) return undefined;
    const { ended, notice } = await answer.json();
    // Another tab may have announced it while this one asked.
    if (!ended || !read().some(([each]) => each === url)) return undefined;
    drop(url);
    return notice && window.ops.toast(notice);
  }

  let asking = false;
  let last = 0;
  async function askAll() {
    if (asking || document.hidden || Date.now() - last < AT_MOST_EVERY_MS) return;
    asking = true;
    try {
      for (const [url] of read()) await ask(url);
    } catch {
      /* unreachable: asked again with the next change, or in 15 s */
    }
    last = Date.now();
    asking = false;
  }

  document.addEventListener("ops:toast", ({ detail: { end_url: url } }) => {
    if (url && url.startsWith("/") && !url.startsWith("//")) write([...read(), [url, Date.now()]]);
  });
  document.addEventListener("ops:heard", ({ detail }) => {
    if (detail === "operations" || detail === "refresh") setTimeout(askAll, Math.max(0, last + AT_MOST_EVERY_MS - Date.now()));
  });
  document.addEventListener("visibilitychange", askAll);
  setInterval(askAll, EVERY_MS);
  askAll();
})();
