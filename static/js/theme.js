// Runs before the first paint: the theme and the density chosen last on this browser.
// The key and its values are those of Django's admin, so that the console follows.
(() => {
  const root = document.documentElement;
  const read = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  root.dataset.theme = read("theme") || "auto";
  root.dataset.density = read("density") || "dense";
  root.classList.add("has-js");
})();
