// What the pages do beyond plain HTML. Every page works without it; nothing here holds a truth that the server does not.
// The attributes are listed in docs/decisions/023-assets.md; htmx, where a page uses it, is loaded before this file.
(() => {
  "use strict";
  const { chartsSrc } = document.currentScript.dataset;
  const htmx = window.htmx;
  const all = (selector, root) => [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)];
  const made = (tag, properties) => Object.assign(document.createElement(tag), properties);

  // Errors: the page stays as it is, and the bar says what the server said.
  const bar = document.getElementById("errorbar");
  function complain(text) {
    if (!bar) return;
    bar.hidden = false; // first shown, then filled: only so is it read out
    const close = made("button", { type: "button", textContent: "×", onclick: calm, ariaLabel: bar.dataset.close ?? "×" });
    bar.replaceChildren(made("span", { textContent: text }), close);
  }
  const calm = () => bar && (bar.hidden = true);
  const offline = () => complain(bar?.dataset.offline ?? "—");
  function message(text, type, status) {
    let found = text;
    if (type.includes("json")) found = JSON.parse(text).detail;
    if (type.includes("html")) {
      const page = new DOMParser().parseFromString(text, "text/html");
      found = (page.querySelector("[role=alert]:not([hidden]), .problem, main p") ?? page.body).textContent;
    }
    return (found ?? "").trim().slice(0, 300) || `${bar?.dataset.failed ?? ""} ${status}`.trim();
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
    const word = (name) => element.dataset[name] ?? document.body.dataset[name];
    const dialog = made("dialog", { className: "confirm" });
    const question = made("p", { id: "confirm-question", textContent: element.dataset.confirm });
    const form = made("form", { method: "dialog" });
    form.append(made("button", { value: "", className: "plain-button", textContent: word("no") ?? "×" }));
    form.append(made("button", { value: "yes", textContent: word("yes") ?? "OK" }));
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
    if (element && (element.type !== "submit" || element.formNoValidate || element.form?.checkValidity() !== false)) {
      hold(event, element, () => element.click());
    }
  }, true);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.confirm) hold(event, form, () => form.requestSubmit(event.submitter));
  }, true);

  // Progress: each message replaces the content; "done" names where to go, or nothing for this page anew.
  function follow(element) {
    if (element.following) return;
    const source = (element.following = new EventSource(element.dataset.progress));
    const gone = () => !element.isConnected && (source.close(), true);
    source.onmessage = ({ data }) => {
      if (gone()) return;
      calm();
      if (htmx) htmx.swap({ text: data, sourceElement: element, target: element, swap: "innerMorph" });
      else element.innerHTML = data;
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
    charts ??= new Promise((resolve, reject) => {
      document.head.append(made("script", { src: chartsSrc, onload: resolve, onerror: reject }));
    });
    charts.then(() => window.yutangCharts.draw(element), () => {});
  }

  function copy(button) {
    const field = made("textarea", { value: button.dataset.copy, readOnly: true });
    if (navigator.clipboard) navigator.clipboard.writeText(field.value);
    else { // no clipboard without https
      button.after(field);
      field.select();
      document.execCommand("copy");
      field.remove();
      button.focus();
    }
    const before = button.textContent;
    button.textContent = button.dataset.copied ?? document.body.dataset.copied ?? "✓";
    setTimeout(() => (button.textContent = before), 1500);
  }

  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-copy]");
    if (button) copy(button);
  });
  document.addEventListener("change", ({ target }) => {
    if (target.closest("[data-submit-on-change]")) target.form.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable], dialog[open]");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const search = document.querySelector("input[type=search]");
    if (search) event.preventDefault(), search.focus();
  });

  const opened = new WeakSet();
  function open(dialog) {
    if (opened.has(dialog)) return; // whoever has closed it has seen it
    opened.add(dialog);
    dialog.removeAttribute("open"); // it may be open for those without scripts
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
