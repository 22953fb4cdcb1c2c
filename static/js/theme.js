// Runs before the first paint: the theme and the density chosen last on this browser, and the switches for them.
// The key "theme" and its values are those of Django's admin, so that the console follows.
(() => {
  const root = document.documentElement;
  const read = (key) => { try { return localStorage.getItem(key); } catch { return null; } };
  const write = (key, value) => { try { localStorage.setItem(key, value); } catch { /* only for this page, then */ } };
  root.dataset.theme = read("theme") || "auto";
  root.dataset.density = read("density") || "dense";

  document.addEventListener("DOMContentLoaded", () => {
    const theme = document.getElementById("theme");
    if (theme) {
      const order = ["auto", "light", "dark"];
      const name = () => { theme.title = theme.dataset[root.dataset.theme]; };
      theme.hidden = false;
      name();
      theme.addEventListener("click", () => {
        root.dataset.theme = order[(order.indexOf(root.dataset.theme) + 1) % order.length];
        write("theme", root.dataset.theme);
        name();
      });
    }
    const density = document.getElementById("density");
    if (density) {
      const show = () => density.setAttribute("aria-pressed", String(root.dataset.density === "comfortable"));
      density.hidden = false;
      show();
      density.addEventListener("click", () => {
        root.dataset.density = root.dataset.density === "comfortable" ? "dense" : "comfortable";
        write("density", root.dataset.density);
        show();
      });
    }
  });
})();
