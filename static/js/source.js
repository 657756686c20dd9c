/* The event stream as the htmx SSE extension sees it. A hidden tab closes its connection: browsers allow six to one
   host, and people open a dozen tabs. When it is shown again it opens a new one and refreshes. A connection that broke
   is made again by the browser, with the last id that it saw: the server then sends what was missed. */
(function () {
  "use strict";

  class VisibleSource {
    constructor(url) {
      this.url = url;
      this.listeners = new Map();
      this.ended = false;
      this.onVisibility = () => (document.hidden ? this.release() : this.open());
      document.addEventListener("visibilitychange", this.onVisibility);
      this.open();
    }

    get readyState() {
      return this.source ? this.source.readyState : EventSource.CONNECTING;
    }

    open() {
      if (this.source || this.ended || document.hidden) return;
      // `since` is when the page was read; a tab that was hidden refreshes instead.
      this.source = new EventSource(this.wasHidden ? this.url.split("?")[0] : this.url);
      this.source.onopen = (event) => this.opened(event);
      this.source.onerror = (event) => {
        document.dispatchEvent(new CustomEvent("ops:stream", { detail: { open: false } }));
        if (this.onerror) this.onerror(event);
      };
      this.source.addEventListener("status", ({ data }) => {
        document.dispatchEvent(new CustomEvent("ops:status", { detail: JSON.parse(data) }));
      });
      for (const [name, heard] of this.listeners.values()) this.source.addEventListener(name, heard);
    }

    opened(event) {
      document.dispatchEvent(new CustomEvent("ops:stream", { detail: { open: true } }));
      if (this.onopen) this.onopen(event);
      if (this.wasHidden) htmx.trigger(document.body, "ops:refresh");
      this.wasHidden = false;
    }

    release() {
      if (this.source) {
        this.source.close();
        this.wasHidden = true;
      }
      this.source = null;
    }

    close() {
      this.ended = true;
      document.removeEventListener("visibilitychange", this.onVisibility);
      this.release();
    }

    addEventListener(name, listener) {
      const heard = (event) => {
        document.dispatchEvent(new CustomEvent("ops:heard", { detail: name }));
        listener(event);
      };
      this.listeners.set(listener, [name, heard]);
      if (this.source) this.source.addEventListener(name, heard);
    }

    removeEventListener(name, listener) {
      const [, heard] = this.listeners.get(listener) || [];
      this.listeners.delete(listener);
      if (this.source && heard) this.source.removeEventListener(name, heard);
    }
  }

  htmx.createEventSource = (url) => new VisibleSource(url);
})();
