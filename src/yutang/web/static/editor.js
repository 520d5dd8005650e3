// The keyboard of the journey editor, and what a swap cannot know. Everything here is an ordinary link or form without it.
(() => {
  "use strict";
  const editor = () => document.getElementById("editor");
  const lines = () => [...editor().querySelectorAll("a.step-line")];
  const typing = (element) => element.closest?.("input:not([type=checkbox], [type=radio], [type=hidden]), textarea, [contenteditable]");
  let after = null; // where the focus goes when the answer is there: "line" or "panel"

  function run(name, line) {
    const form = document.getElementById("ops");
    if (!form || !line.dataset.at) return;
    form.elements.at.value = line.dataset.at;
    after = "line";
    form.requestSubmit(form.querySelector(`button[value=${name}]`));
  }

  function onLine(event, line) {
    const all = lines(), n = all.indexOf(line), { key } = event;
    const arrows = { ArrowUp: all[n - 1], ArrowDown: all[n + 1], Home: all[0], End: all.at(-1) };
    if (event.altKey && (key === "ArrowUp" || key === "ArrowDown")) run(key === "ArrowUp" ? "up" : "down", line);
    else if (key in arrows) arrows[key]?.focus();
    else if (key === "Delete" || key === "Backspace") run("delete", line);
    else if (key === "Enter") return void (after = "panel");
    else if (key === "d" && (event.ctrlKey || event.metaKey)) run("duplicate", line);
    else return;
    event.preventDefault();
  }

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (!editor() || event.isComposing || target.closest("dialog")) return;
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z" && !typing(target)) {
      event.preventDefault();
      after = target.closest("#outline") ? "line" : null;
      const button = document.querySelector(event.shiftKey ? "#redo button" : "#undo button");
      if (button && !button.disabled) button.click();
      return;
    }
    const line = target.closest("a.step-line");
    if (line) onLine(event, line);
    else if (key === "Escape" && target.closest("#panel")) editor().querySelector("a.step-line[aria-current]")?.focus();
  });

  // One writer at a time: whatever waited for an answer goes on from the version that the answer brought.
  document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
    const { body } = ctx.request;
    if (body instanceof URLSearchParams && body.has("version") && !editor().dataset.conflict && ctx.sourceElement.closest("#editor")) {
      body.set("version", editor().dataset.version);
    }
  });

  // A morph leaves alone what was typed or ticked by hand, although the answer is newer, as after an undo.
  function settle() {
    for (const field of editor()?.querySelectorAll("#panel :is(input, select, textarea)") ?? []) {
      const mine = field === document.activeElement && typing(field);
      if (field.type === "checkbox" || field.type === "radio") field.checked = field.defaultChecked;
      else if (field.tagName === "SELECT") for (const option of field.options) option.selected = option.defaultSelected;
      else if (!mine && field.value !== field.defaultValue) field.value = field.defaultValue;
    }
  }
  document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
    // Figures that came late are put beside the steps: nothing in the panel is newer than what stands there.
    if (!editor() || ctx.target.id === "outline") return;
    settle();
    const current = editor().querySelector("a.step-line[aria-current]");
    const sheet = getComputedStyle(document.getElementById("panel") ?? editor()).position === "fixed";
    if (sheet) current?.scrollIntoView({ block: "start" }); // above the form, which covers the rest of a phone
    if (after === "line") current?.focus();
    if (after === "panel") editor().querySelector("#panel :is(input:not([type=hidden]), select, textarea, a.rule)")?.focus();
    after = null;
  });
})();
