// What the pages do beyond plain HTML. Every page works without it; nothing here holds a truth that the server does not.
// The attributes are listed in docs/decisions/023-assets.md; htmx, where a page uses it, is loaded before this file.
(() => {
  "use strict";
  const { chartsSrc } = document.currentScript.dataset;
  const htmx = window.htmx;
  const all = (selector, root) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
  const made = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const word = (name, near) => near?.dataset[name] ?? document.body.dataset[name];

  // Errors: the page stays as it is, and the bar says what the server said.
  const bar = document.getElementById("errorbar");
  function complain(text) {
    if (!bar) return;
    bar.hidden = false; // first shown, then filled: only so is it read out
    const close = made("button", { type: "button", textContent: "×", ariaLabel: word("close", bar) ?? "×", onclick: calm });
    bar.replaceChildren(made("span", { textContent: text }), close);
  }
  const calm = () => bar && (bar.hidden = true);
  const offline = () => complain(word("offline", bar) ?? "—");
  function message(text, type, status) {
    let found = text;
    if (type.includes("json")) found = JSON.parse(text).detail;
    if (type.includes("html")) {
      const page = new DOMParser().parseFromString(text, "text/html");
      found = (page.querySelector("[role=alert]:not([hidden]), main p") ?? page.body).textContent;
    }
    return (found ?? "").trim().slice(0, 300) || `${word("failed", bar) ?? ""} ${status}`.trim();
  }
  if (htmx) {
    htmx.config.noSwap = [204, 304, "4xx", "5xx"];
    document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
      const { status, headers } = ctx.response;
      if (status < 400) return calm();
      // An element that has a place for this answer (hx-status:422="…") shows it itself.
      if (!ctx.sourceElement.hasAttribute(`hx-status:${status}`)) {
        complain(message(ctx.text, headers.get("content-type") ?? "", status));
      }
    });
    document.addEventListener("htmx:error", ({ detail: { ctx } }) => ctx && !ctx.response && offline());
  }

  // A question before the deed. Listens before everybody else, so that neither form nor htmx acts without an answer.
  const agreed = new WeakSet();
  function ask(element, then) {
    const dialog = made("dialog", { className: "confirm" });
    const question = made("p", { id: "confirm-question", textContent: element.dataset.confirm });
    const form = made("form", { method: "dialog" });
    form.append(made("button", { value: "", className: "plain-button", textContent: word("no", element) ?? "×" }));
    form.append(made("button", { value: "yes", textContent: word("yes", element) ?? "OK" }));
    dialog.setAttribute("aria-labelledby", question.id);
    dialog.append(question, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "yes" && element.isConnected) then();
    });
    document.body.append(dialog);
    dialog.showModal(); // the focus is on "no", and goes back to where it was
  }
  function hold(event, element, again) {
    if (agreed.delete(element)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    ask(element, () => {
      agreed.add(element);
      again();
      agreed.delete(element);
    });
  }
  document.addEventListener("click", (event) => {
    const element = event.target.closest?.("[data-confirm]:not(form)");
    const ready = element?.type !== "submit" || element.formNoValidate || element.form?.checkValidity() !== false;
    if (element && ready) hold(event, element, () => element.click());
  }, true);
  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (form.dataset.confirm) hold(event, form, () => form.requestSubmit(submitter));
  }, true);

  // Progress: each message replaces the content; "done" names where to go, or nothing for this page anew.
  function follow(element) {
    if (element.following) return;
    const source = (element.following = new EventSource(element.dataset.progress));
    const gone = () => !element.isConnected && (source.close(), true);
    source.onmessage = ({ data }) => {
      if (gone()) return;
      calm();
      htmx ? htmx.swap({ text: data, sourceElement: element, target: element, swap: "innerMorph" }) : (element.innerHTML = data);
    };
    source.addEventListener("done", ({ data }) => {
      source.close();
      if (element.isConnected) data ? location.assign(data) : location.reload();
    });
    source.onerror = () => {
      if (gone() || source.readyState !== EventSource.CLOSED) return; // the browser itself tries again
      offline();
      element.following = null;
      setTimeout(() => element.isConnected && follow(element), 3000);
    };
  }

  // Charts: the bundle comes only where there is something to draw; the table inside stays for everybody else.
  let charts;
  function chart(element) {
    charts ??= new Promise((onload) => document.head.append(made("script", { src: chartsSrc, onload })));
    charts.then(() => window.yutangCharts.draw(element));
  }

  function copy(button) {
    const field = made("textarea", { value: button.dataset.copy, readOnly: true });
    if (navigator.clipboard) navigator.clipboard.writeText(field.value);
    else { // without https there is no clipboard
      button.after(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    button.words ??= button.textContent;
    button.textContent = word("copied", button) ?? "✓";
    setTimeout(() => (button.textContent = button.words), 1500);
  }

  const on = (event, selector, act) => document.addEventListener(event, ({ target }) => {
    if (target.closest?.(selector)) act(target.closest(selector), target);
  });
  on("click", "button[data-copy]", copy);
  on("change", "[data-submit-on-change]", (_, field) => field.form.requestSubmit());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable], dialog[open]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const search = document.querySelector("input[type=search]");
    if (search) event.preventDefault(), search.focus();
  });

  function open(dialog) {
    if (dialog.seen) return; // and perhaps closed since
    dialog.seen = dialog.removeAttribute("open") ?? true; // it may be open for those without scripts
    dialog.showModal();
  }

  function start(root) {
    all("[data-progress]", root).forEach(follow);
    all("[data-chart]", root).forEach(chart);
    all("dialog[data-open]", root).forEach(open);
  }
  start(document);
  htmx?.onLoad(start);
})();
