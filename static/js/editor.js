/* What the rules' editor gains from a script: chips for lists of values, a slider beside a percentage, shares beside
   weights, and rules that are dragged or moved by Alt and the arrow keys. All else is a plain form that htmx sends. */
(function () {
  "use strict";

  /* --- chips: the text area stays what is sent, one value a line --- */
  const linesOf = (area) => area.value.split("\n").map((line) => line.trim()).filter(Boolean);

  function chips(area) {
    if (area.dataset.enhanced) return;
    area.dataset.enhanced = "1";
    area.hidden = true;
    const box = document.createElement("div");
    box.className = "chips";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", area.getAttribute("aria-label") || "Values");
    const entry = document.createElement("input");
    entry.type = "text";
    entry.autocomplete = "off";
    entry.placeholder = area.placeholder;
    entry.setAttribute("aria-label", `${area.getAttribute("aria-label") || "Values"}: add one`);
    box.append(entry);
    area.after(box);

    const write = (values) => {
      area.value = [...new Set(values)].join("\n");
      draw();
      area.dispatchEvent(new Event("change", { bubbles: true }));
    };
    const take = (text) => {
      const found = text.split(/[\n\t,]/).map((part) => part.trim()).filter(Boolean);
      entry.value = "";
      if (found.length) write([...linesOf(area), ...found]);
    };
    const remove = (value) => {
      write(linesOf(area).filter((each) => each !== value));
      entry.focus();
    };
    function draw() {
      box.querySelectorAll(".chip").forEach((node) => node.remove());
      for (const value of linesOf(area)) entry.before(chip(value, () => remove(value)));
    }
    entry.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || (event.key === "," && entry.value.trim())) {
        event.preventDefault();
        take(entry.value);
      } else if (event.key === "Backspace" && !entry.value && linesOf(area).length) {
        event.preventDefault();
        write(linesOf(area).slice(0, -1));
      }
    });
    entry.addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text");
      if (!/[\n\t,]/.test(text)) return;
      event.preventDefault();
      take(text);
    });
    entry.addEventListener("input", (event) => event.stopPropagation());
    entry.addEventListener("change", (event) => {
      event.stopPropagation();
      take(entry.value);
    });
    box.addEventListener("click", (event) => event.target === box && entry.focus());
    draw();
  }

  function chip(value, remove) {
    const node = document.createElement("span");
    const button = document.createElement("button");
    node.className = "chip";
    node.append(value, button);
    button.type = "button";
    button.textContent = "×";
    button.setAttribute("aria-label", `Remove ${value}`);
    button.addEventListener("click", remove);
    return node;
  }

  /* --- percentage and slider, weights and shares --- */
  document.addEventListener("input", ({ target }) => {
    const part = target.closest(".rollout");
    if (part && target.matches("[data-slider]")) part.querySelector("[data-percent]").value = target.value;
    if (part && target.matches("[data-percent]")) part.querySelector("[data-slider]").value = target.value;
    if (target.matches("[data-weight]")) shares(target.closest(".variants"));
  });

  /* A blank weight is saved as its placeholder says. */
  const weightOf = (field) => Math.max(0, Number(field && (field.value.trim() || field.placeholder)) || 0);

  function shares(list) {
    const rows = [...list.querySelectorAll(":scope > [data-variant]")];
    const weights = rows.map((row) => weightOf(row.querySelector("[data-weight]")));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    rows.forEach((row, index) => {
      const place = row.querySelector("[data-share]");
      if (place) place.textContent = `${total ? Math.round((weights[index] * 1000) / total) / 10 : 0}\u202f%`;
    });
  }

  /* --- order of rules: the order on the page is the order that is sent --- */
  let dragged = null;
  document.addEventListener("dragstart", (event) => {
    const grip = event.target.closest && event.target.closest("[data-grip]");
    if (!grip) return;
    dragged = grip.closest("[data-rule]");
    dragged.classList.add("is-dragged");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.id);
    event.dataTransfer.setDragImage(dragged, 16, 16);
  });
  document.addEventListener("dragover", (event) => {
    const over = dragged && event.target.closest && event.target.closest("[data-rule]");
    if (!dragged || !event.target.closest("[data-rules]")) return;
    event.preventDefault();
    if (!over || over === dragged || over.parentNode !== dragged.parentNode) return;
    const { top, height } = over.getBoundingClientRect();
    if (event.clientY < top + height / 2) over.before(dragged);
    else over.after(dragged);
  });
  document.addEventListener("drop", (event) => dragged && event.preventDefault());
  document.addEventListener("dragend", () => {
    if (!dragged) return;
    const form = dragged.closest("[data-editor]");
    dragged.classList.remove("is-dragged");
    dragged = null;
    form.querySelector("[data-refresh]").click();
  });

  document.addEventListener("keydown", (event) => {
    if (!event.altKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    const rule = event.target.closest && event.target.closest("[data-rule]");
    if (!rule) return;
    event.preventDefault();
    rule.querySelector(`button[value^="${event.key === "ArrowUp" ? "up" : "down"} "]`).click();
  });

  function enhance() {
    document.querySelectorAll("textarea[data-chips]").forEach(chips);
    document.querySelectorAll("[data-grip]").forEach((grip) => (grip.draggable = true));
  }
  document.addEventListener("htmx:afterSettle", enhance);
  enhance();
})();
