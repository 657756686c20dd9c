/* Notices in the corner, announced politely; inside a dialog while one is open (dialog.js). With an Undo they stay until
   it is too late for it. */
(function () {
  "use strict";
  const region = document.getElementById("toasts");
  const template = document.getElementById("toast-template");
  const STAY_MS = 8000;
  const STAY_WITH_UNDO_MS = 60000;
  const MOST = 4;

  function toast({ text, level = "info", undo_url = "", link_url = "", link_label = "Details", stay = false }) {
    const node = template.content.firstElementChild.cloneNode(true);
    node.classList.add(level);
    node.querySelector("[data-text]").textContent = text;
    fill(node, "[data-link]", link_url, (link) => {
      link.href = link_url;
      link.textContent = link_label;
    });
    fill(node, "[data-undo]", undo_url, (form) => (form.action = undo_url));
    const place = window.ops.dialogNotices() || region;
    place.append(node);
    while (place.children.length > MOST) place.firstElementChild.remove();
    if (place !== region) node.scrollIntoView({ block: "nearest" });
    settle(node, stay);
    return node;
  }

  function fill(node, selector, url, set) {
    const part = node.querySelector(selector);
    if (url && url.startsWith("/") && !url.startsWith("//")) set(part);
    else part.remove();
  }

  /* `stay`: whoever made it removes it. */
  function settle(node, stay = false) {
    const undo = node.querySelector("form[data-undo]");
    if (undo) {
      undo.setAttribute("hx-post", undo.getAttribute("action"));
      undo.setAttribute("hx-swap", "none");
      htmx.process(undo);
      undo.addEventListener("htmx:afterRequest", (event) => event.detail.successful && node.remove());
    }
    let timer;
    const start = () => stay || (timer = setTimeout(() => node.remove(), undo ? STAY_WITH_UNDO_MS : STAY_MS));
    const hold = () => clearTimeout(timer);
    for (const name of ["mouseenter", "focusin"]) node.addEventListener(name, hold);
    for (const name of ["mouseleave", "focusout"]) node.addEventListener(name, start);
    node.querySelector("[data-dismiss]").addEventListener("click", () => node.remove());
    if (!stay && !node.classList.contains("bad")) start();
  }

  window.ops = { ...window.ops, toast };
  for (const node of region.querySelectorAll("[data-toast]")) settle(node);
  document.addEventListener("ops:toast", (event) => toast(event.detail));
})();
