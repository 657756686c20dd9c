/* Asks before a page is left with edits that were not saved: forms with `data-unsaved`, which is "edited" where the
   server has drawn again what was typed. */
(function () {
  "use strict";
  const edited = new Set();
  let submitting = false;

  const formOf = (node) => node.closest && node.closest("form[data-unsaved]");
  const note = ({ target, isTrusted }) => {
    const form = formOf(target);
    if (form && isTrusted) edited.add(form.id);
  };
  document.addEventListener("input", note);
  document.addEventListener("change", note);

  document.addEventListener("click", ({ target }) => {
    if (target.closest && target.closest("[data-discard]")) submitting = true;
  });
  document.addEventListener("submit", (event) => {
    const form = formOf(event.target);
    if (form && !event.defaultPrevented) submitting = true;
  });
  window.addEventListener("pageshow", () => (submitting = false));

  window.addEventListener("beforeunload", (event) => {
    const forms = [...document.querySelectorAll("form[data-unsaved]")];
    const left = forms.some((form) => edited.has(form.id) || form.dataset.unsaved === "edited");
    if (left && !submitting) event.preventDefault();
  });
})();
