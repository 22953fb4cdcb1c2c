// The search form: wildcards choose their mode; an area is drawn on the map by pressing its corners.
// What is sent stands in the form's own fields: without this file the page works too.
(() => {
  const form = document.querySelector("[data-seek]");
  if (!form) return;
  const plate = form.querySelector("[name=plate]");
  const mode = (value) => form.querySelector(`[name=mode][value=${value}]`);
  plate.addEventListener("input", () => {
    const wild = /[?*]/.test(plate.value);
    if (wild) mode("wildcard").checked = true;
    else if (mode("wildcard").checked) mode("exact").checked = true;
  });

  const box = form.querySelector("[data-area-map]"), map = box.querySelector("svg");
  const shape = map.querySelector(".map__area"), text = form.querySelector("[name=area]");
  const told = (name) => Number(map.dataset[name]);
  const whole = map.viewBox.baseVal, full = [whole.x, whole.y, whole.width, whole.height];
  const lines = () => text.value.split("\n").filter((line) => line.trim());
  const corners = () => lines().map((line) => (line.match(/-?\d{1,3}(?:[.,]\d{1,8})?/g) || []).map((number) => Number(number.replace(",", ".")))).filter((pair) => pair.length === 2);
  const point = ([latitude, longitude]) => [(longitude - told("west")) * told("across"), (told("north") - latitude) * told("down")];
  const draw = () => {
    shape.setAttribute("points", corners().map((pair) => point(pair).join(",")).join(" "));
    for (const name of ["back", "clear"]) box.querySelector(`[data-area=${name}]`).disabled = !lines().length;
  };
  const write = (all) => { text.value = all.join("\n"); draw(); };
  map.addEventListener("click", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
    const latitude = told("north") - at.y / told("down"), longitude = told("west") + at.x / told("across");
    write([...lines(), `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`]);
  });
  const zoom = (factor) => {
    const all = corners(), view = map.viewBox.baseVal;
    const middle = all.length ? point(all[all.length - 1]) : [view.x + view.width / 2, view.y + view.height / 2];
    const width = Math.min(full[2], Math.max(20, view.width * factor)), height = width * full[3] / full[2];
    const seen = width >= full[2] ? full : [middle[0] - width / 2, middle[1] - height / 2, width, height];
    const scale = seen[2] / view.width;
    map.querySelectorAll("circle, text").forEach((one) => {
      for (const name of ["r", "font-size", "dx", "dy"]) if (one.hasAttribute(name)) one.setAttribute(name, Number(one.getAttribute(name)) * scale);
    });
    map.setAttribute("viewBox", seen.join(" "));
  };
  const acts = { back: () => write(lines().slice(0, -1)), clear: () => write([]), closer: () => zoom(0.5), farther: () => zoom(2) };
  for (const [name, act] of Object.entries(acts)) {
    const button = box.querySelector(`[data-area=${name}]`);
    button.hidden = false;
    button.addEventListener("click", act);
  }
  text.addEventListener("input", draw);
  draw();
})();
