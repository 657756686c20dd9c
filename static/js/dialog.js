/* The page's dialog. A question that htmx fetches opens it. While it is open, every notice is shown inside it: a modal
   dialog covers the corner where notices otherwise appear, and makes that corner inert. */
(function () {
  "use strict";
  const dialog = document.getElementById("dialog");
  const body = document.getElementById("dialog-body");

  const isForDialog = (elt) => Boolean(elt && elt.closest && elt.closest('[hx-target="#dialog-body"]'));
  const open = () => dialog.open || dialog.showModal();

  /* An answer without a body (HX-Reswap: none) must not open an empty dialog. */
  document.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    if (target === body && body.hasChildNodes()) open();
  });

  /* The question itself was refused: the dialog opens with the reason. */
  function refuse({ title, text }) {
    const content = document.getElementById("refusal-template").content.cloneNode(true);
    content.querySelector("[data-title]").textContent = title || "Not possible";
    content.querySelector("[data-text]").textContent = text;
    body.replaceChildren(content);
    open();
  }

  document.addEventListener("ops:toast", (event) => {
    const { level, elt } = event.detail;
    if (level !== "bad" || document.querySelector("dialog[open]") || !isForDialog(elt)) return;
    event.stopImmediatePropagation();
    refuse(event.detail);
  });

  /* Where a notice goes: above the buttons of the open dialog, which are beside what was just clicked. */
  function noticesOf(opened) {
    const found = opened.querySelector("[data-notices]");
    if (found) return found;
    const region = document.createElement("div");
    region.className = "dialog-notices";
    region.dataset.notices = "";
    region.setAttribute("role", "alert");
    const buttons = opened.querySelector(".form-actions");
    if (buttons) buttons.before(region);
    else (opened.querySelector("#dialog-body") || opened).append(region);
    return region;
  }

  window.ops = {
    ...window.ops,
    /* The region for notices in the open dialog; null while none is open. */
    dialogNotices() {
      const opened = document.querySelector("dialog[open]");
      return opened && noticesOf(opened);
    },
  };

  /* Sent again: the last refusal no longer counts. */
  document.addEventListener("htmx:beforeRequest", ({ detail: { elt } }) => {
    const opened = elt.closest("dialog[open]");
    if (opened) opened.querySelectorAll("[data-notices] > .bad").forEach((node) => node.remove());
  });

  document.addEventListener("ops:close-dialog", () => dialog.close());
  for (const each of document.querySelectorAll("dialog")) {
    each.addEventListener("close", () => each.querySelectorAll("[data-notices]").forEach((node) => node.remove()));
  }
  dialog.addEventListener("close", () => body.replaceChildren());

  document.addEventListener("click", (event) => {
    const at = (selector) => event.target.closest && event.target.closest(selector);
    const opener = at("[data-open-dialog]");
    if (opener) document.getElementById(opener.dataset.openDialog).showModal();
    if (at("[data-close-dialog]") && dialog.open) {
      event.preventDefault();
      dialog.close();
    }
    if (event.target instanceof HTMLDialogElement) event.target.close();
  });
  for (const node of document.querySelectorAll("[data-open-dialog]")) node.hidden = false;
})();
