// Keys of every page (the list is in partials/keys.html), and the small menus.
(() => {
  const rows = () => [...document.querySelectorAll("li[data-alert-id], li[data-passage-id], tr[data-passage-id]")];
  const current = () => document.querySelector(".is-current") || document.activeElement?.closest("[data-alert-id], [data-passage-id]");
  const dialog = document.getElementById("keys");

  const step = (by) => {
    const list = rows();
    if (!list.length) {
      document.querySelector(by > 0 ? "a[rel=next]" : "a[rel=prev]")?.click();
      return;
    }
    const at = list.indexOf(current());
    const next = list[Math.min(list.length - 1, Math.max(0, at + by))];
    list.forEach((row) => row.classList.toggle("is-current", row === next));
    next.querySelector("[data-open]").focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const acknowledge = () => {
    const row = current() || document.querySelector("article[data-alert-id]");
    row?.querySelector("form[data-acknowledge]")?.requestSubmit();
  };
  const search = () => {
    const field = document.querySelector("[data-search]");
    if (field) { field.focus(); field.select(); } else location.assign(`${document.body.dataset.searchUrl}#id_plate`);
  };
  const correct = () => {
    const field = document.querySelector("[data-correct]");
    if (field) { field.focus(); field.select(); }
  };
  const actions = {
    j: () => step(1),
    k: () => step(-1),
    a: acknowledge,
    c: correct,
    "/": search,
    "?": () => dialog?.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog?.open) return;
    const action = actions[event.key];
    if (action) { event.preventDefault(); action(); }
  });
  if (location.hash === "#id_plate") search();

  document.querySelectorAll("[data-open-keys]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", () => dialog.showModal());
  });
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.menu[open]").forEach((menu) => { menu.open = false; menu.querySelector("summary").focus(); });
  });
  // One press, one request: a second one would only be told that the alert is taken.
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-acknowledge]")) event.target.querySelector("button").disabled = true;
  });
})();
