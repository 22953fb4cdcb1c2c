// Draws a zone on its camera's picture. The text field (GeoJSON) is what is saved; drawing and text follow each other.
// Points are shares of the picture, as stored: [0, 0] is its upper left corner, [1, 1] its lower right one.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const STEP = 0.005, LEAP = 0.05, NEAR = 14; // NEAR: pixels within which a click meets the first point
  const lang = document.documentElement.lang;
  const clamp = (value) => Math.min(1, Math.max(0, value));
  const rounded = (value) => Math.round(value * 1e4) / 1e4;
  const outlines = (geometry) => (geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates).map((rings) => rings[0]);
  const count = (value) => (Array.isArray(value) ? (typeof value[0] === "number" ? 1 : value.reduce((sum, one) => sum + count(one), 0)) : 0);
  const isPoint = (point) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  const same = (one, other) => one[0] === other[0] && one[1] === other[1];

  const side = (a, b, c) => Math.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]));
  const cross = (a, b, c, d) => side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
  const crossings = (points, closed) => {
    const sides = points.map((point, index) => [point, points[(index + 1) % points.length]]).slice(0, closed ? undefined : -1);
    return sides.filter((one) => sides.some((other) => one !== other && cross(...one, ...other)));
  };
  const distance = ([px, py], [ax, ay], [bx, by]) => { // of a point from a side
    const dx = bx - ax, dy = by - ay, length = dx * dx + dy * dy;
    const at = length ? clamp(((px - ax) * dx + (py - ay) * dy) / length) : 0;
    return Math.hypot(px - ax - at * dx, py - ay - at * dy);
  };

  const begin = (root) => {
    const find = (name) => root.querySelector(`[data-${name}]`), words = root.dataset;
    const stage = find("stage"), lines = find("lines"), handles = find("points"), names = find("names"), image = find("image");
    const text = root.querySelector("textarea"), form = text.form, most = Number(words.most);
    const field = (name) => form.querySelector(`[name="${name}"]`);
    const button = (name) => root.querySelector(`[data-do="${name}"]`);
    let points = [], closed = false, chosen = -1, past = [], problem = "", others = [], camera = 0, has = false, dragged = false;

    // --- text and drawing ---------------------------------------------------------------------------------

    const write = () => {
      const ring = closed && points.length ? [...points, points[0]] : points;
      text.value = points.length ? JSON.stringify({ type: "Polygon", coordinates: [ring] }) : "";
    };
    const read = () => {
      points = []; closed = false; chosen = -1; problem = "";
      if (!text.value.trim()) return;
      let value;
      try { value = JSON.parse(text.value); } catch { problem = words.broken; return; }
      if (value === null) return; // an empty field of the console
      const total = count(value?.coordinates);
      if (total > most) { problem = words.many.replace("{count}", total.toLocaleString(lang)).replace("{most}", most.toLocaleString(lang)); return; }
      const rings = value?.type === "MultiPolygon" && value.coordinates?.length === 1 ? value.coordinates[0] : value?.coordinates;
      if (!["Polygon", "MultiPolygon"].includes(value?.type) || !Array.isArray(rings)) { problem = words.broken; return; }
      if (value.type === "MultiPolygon" && value.coordinates.length > 1 || rings.length > 1) { problem = words.complex; return; }
      const ring = rings[0] || [];
      if (!Array.isArray(ring) || !ring.every(isPoint)) { problem = words.broken; return; }
      closed = ring.length > 1 && same(ring[0], ring.at(-1));
      points = closed ? ring.slice(0, -1) : ring;
    };
    const change = (act) => {
      past.push(JSON.stringify([text.value, points, closed, chosen]));
      act();
      problem = "";
      write();
      draw();
    };
    const undo = () => {
      if (!past.length) return;
      const [before, ...rest] = JSON.parse(past.pop());
      text.value = before;
      read();
      [points, closed, chosen] = rest;
      draw(true);
    };
    const giveUp = () => { if (past.length) { past = past.slice(0, 1); undo(); } };

    // --- what is shown ------------------------------------------------------------------------------------

    const onPicture = () => field("space")?.value !== "map";
    const line = (ring, name, whole = true) => {
      const one = document.createElementNS(SVG, whole ? "polygon" : "polyline");
      one.setAttribute("points", ring.map((point) => point.join(",")).join(" "));
      one.setAttribute("class", name);
      return one;
    };
    const typeName = (type) => [...(field("zone_type")?.options || [])].find((one) => one.value === type)?.text.split(/\s*:/)[0] || type;
    const label = (ring, name) => {
      const one = document.createElement("span"), middle = [0, 1].map((axis) => ring.reduce((sum, point) => sum + point[axis], 0) / ring.length);
      one.className = "drawing__name";
      one.textContent = name;
      one.style.left = `${middle[0] * 100}%`;
      one.style.top = `${middle[1] * 100}%`;
      one.style.transform = `translate(${-middle[0] * 100}%, -50%)`; // however near to an edge, it stays inside
      return one;
    };
    const tell = () => {
      const crossed = crossings(points, closed);
      const said = !onPicture() ? words.map : !camera ? words.nocamera : problem
        || (crossed.length ? words.crossing : !points.length ? words.outside : closed ? words.closed : words.open);
      find("words").textContent = has || !camera || !onPicture() || problem || points.length ? said : `${words.nopicture} ${said}`;
      find("words").classList.toggle("is-wrong", onPicture() && Boolean(problem || crossed.length));
      return crossed;
    };
    const draw = (focus = false) => {
      const type = field("zone_type")?.value || "detection";
      const crossed = tell();
      const shown = onPicture() && camera;
      for (const part of [stage, find("tools"), find("keys")]) part.hidden = !shown;
      lines.replaceChildren(); names.replaceChildren();
      for (const other of others) for (const ring of outlines(other.geometry)) {
        lines.append(line(ring, "is-other casing"), line(ring, `is-other is-${other.type}`));
        names.append(label(ring.slice(0, -1), `${other.name} (${typeName(other.type)})`));
      }
      if (points.length) lines.append(line(points, "is-own casing", closed), line(points, `is-own is-${type}`, closed));
      crossed.forEach((ends) => lines.append(line(ends, "is-crossing", false)));
      if (closed && points.length > 2 && !crossed.length) names.append(Object.assign(label(points, typeName(type)), { className: "drawing__name is-own" }));
      drawPoints(focus);
      button("undo").disabled = !past.length;
      button("add").disabled = Boolean(problem) || points.length >= most - 1;
      button("remove").disabled = chosen < 0;
      button("close").disabled = closed || points.length < 3;
    };
    const drawPoints = (focus) => {
      while (handles.children.length > points.length) handles.lastChild.remove();
      while (handles.children.length < points.length) {
        const one = document.createElement("button");
        one.type = "button";
        one.className = "drawing__point";
        handles.append(one);
      }
      points.forEach(([x, y], index) => {
        const one = handles.children[index];
        one.style.left = `${x * 100}%`;
        one.style.top = `${y * 100}%`;
        one.setAttribute("aria-label", `${words.point.replace("{number}", index + 1).replace("{count}", points.length)} (${rounded(x)}, ${rounded(y)})`);
        one.classList.toggle("is-chosen", index === chosen);
        one.classList.toggle("is-first", index === 0 && !closed);
      });
      if (focus && chosen >= 0) handles.children[chosen]?.focus({ preventScroll: true });
    };

    // --- what people do -----------------------------------------------------------------------------------

    const place = (event) => {
      const box = stage.getBoundingClientRect();
      return [rounded(clamp((event.clientX - box.left) / box.width)), rounded(clamp((event.clientY - box.top) / box.height))];
    };
    const pixels = ([x, y]) => [x * stage.clientWidth, y * stage.clientHeight];
    const insert = (point, after) => change(() => { points.splice(after + 1, 0, point); chosen = after + 1; });
    const close = () => { if (!closed && points.length > 2) change(() => { closed = true; }); };
    const clicked = (event) => {
      const point = place(event);
      if (problem || points.length >= most - 1) return; // a click must not replace what the drawing cannot show
      if (!closed) {
        const near = points.length > 2 && Math.hypot(...[0, 1].map((axis) => pixels(point)[axis] - pixels(points[0])[axis])) < NEAR;
        if (near) close(); else insert(point, points.length - 1);
        return;
      }
      const far = points.map((one, index) => distance(pixels(point), pixels(one), pixels(points[(index + 1) % points.length])));
      insert(point, far.indexOf(Math.min(...far)));
    };
    const remove = () => {
      if (chosen < 0) return;
      change(() => { points.splice(chosen, 1); chosen = Math.min(chosen, points.length - 1); closed = closed && points.length > 2; });
      if (chosen >= 0) handles.children[chosen].focus(); else button("undo").focus();
    };
    const add = () => { // beside the chosen point, halfway to the next: for those who do not point
      const at = chosen < 0 ? points.length - 1 : chosen, from = points[at], to = points[(at + 1) % points.length];
      const between = !from ? [0.5, 0.5] : from === to || (!closed && at === points.length - 1) ? [clamp(from[0] + LEAP), from[1]] : [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2];
      insert(between.map(rounded), at);
      handles.children[chosen].focus();
    };
    const move = (index, x, y) => change(() => { points[index] = [rounded(clamp(x)), rounded(clamp(y))]; });

    stage.addEventListener("click", (event) => {
      if (!event.target.closest(".drawing__point")) clicked(event);
      else if (!dragged && event.detail && event.target === handles.firstChild) close();
    });
    handles.addEventListener("focusin", (event) => { chosen = [...handles.children].indexOf(event.target); draw(); });
    handles.addEventListener("pointerdown", (event) => {
      const index = [...handles.children].indexOf(event.target);
      if (index < 0 || event.button) return;
      event.target.setPointerCapture(event.pointerId);
      event.target.focus({ preventScroll: true });
      chosen = index;
      dragged = false; // a drag ends in a click, which must not close the line
      const from = [event.clientX, event.clientY];
      const follow = (moving) => {
        if (!dragged && Math.hypot(moving.clientX - from[0], moving.clientY - from[1]) < 4) return;
        if (dragged) { points[index] = place(moving); write(); draw(); } else move(index, ...place(moving));
        dragged = true;
      };
      handles.addEventListener("pointermove", follow);
      handles.addEventListener("lostpointercapture", () => handles.removeEventListener("pointermove", follow), { once: true });
    });
    root.addEventListener("keydown", (event) => {
      if (event.target.closest("details")) return;
      const step = event.shiftKey ? LEAP : STEP, at = event.target.closest(".drawing__point") ? points[chosen] : null;
      const keys = {
        ...(at && {
          ArrowLeft: () => move(chosen, at[0] - step, at[1]), ArrowRight: () => move(chosen, at[0] + step, at[1]),
          ArrowUp: () => move(chosen, at[0], at[1] - step), ArrowDown: () => move(chosen, at[0], at[1] + step),
          Delete: remove, Backspace: remove, Enter: close,
        }),
        Escape: giveUp,
        ...((event.ctrlKey || event.metaKey) && { z: undo }),
      };
      if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
    });
    const acts = { undo, add, remove, close, clear: () => change(() => { points = []; closed = false; chosen = -1; }) };
    for (const [name, act] of Object.entries(acts)) button(name).addEventListener("click", act);

    text.addEventListener("input", () => { past = []; read(); draw(); });
    form.addEventListener("submit", (event) => {
      // What is far too long would not even arrive: the server takes requests of a certain size only.
      if (count(tryParse(text.value)?.coordinates) > most) { event.preventDefault(); root.scrollIntoView(); find("words").focus(); }
    });
    const tryParse = (value) => { try { return JSON.parse(value); } catch { return null; } };

    // --- the camera's picture and its other zones ------------------------------------------------------------

    const setPicture = (source, id) => new Promise((resolve) => { // of camera `id`, if it is still the chosen one then
      const next = new Image();
      next.onload = () => { if (camera !== id) { resolve(false); return; } image.src = next.src; image.hidden = false; stage.style.aspectRatio = `${next.naturalWidth} / ${next.naturalHeight}`; has = true; resolve(true); };
      next.onerror = () => resolve(false);
      next.src = source;
    });
    const own = () => Number(location.pathname.match(/\/zone\/(\d+)\//)?.[1] || 0);
    const setCamera = async (id) => {
      camera = id; others = []; has = false; image.hidden = true;
      draw();
      if (!id) return;
      const response = await fetch(words.address.replace("/0/", `/${id}/`));
      if (camera !== id || !response.ok) return;
      const told = await response.json();
      if (camera !== id) return;
      stage.style.aspectRatio = `${told.width} / ${told.height}`;
      others = told.zones.filter((zone) => zone.id !== own());
      button("picture").setAttribute("hx-post", told.trial);
      window.htmx?.process(button("picture"));
      draw();
      for (const source of told.pictures) if (await setPicture(source, id) || camera !== id) break;
      if (camera === id) draw();
    };
    root.addEventListener("htmx:afterSettle", async () => {
      const taken = root.querySelector("[data-trial-picture]"), id = camera;
      if (!taken) return;
      const another = !new URL(taken.src).pathname.startsWith(words.address.replace(/0\/[^/]+\/$/, `${id}/`));
      if (another || await setPicture(taken.src, id) || camera !== id) { root.querySelector(".drawing__trial").replaceChildren(); draw(); }
    });
    for (const name of ["space", "zone_type"]) field(name)?.addEventListener("change", () => draw());
    const select = field("camera");
    // The console's list of cameras tells its changes through its own jQuery only.
    if (select) window.django.jQuery(select).on("change", () => setCamera(Number(select.value)));

    find("text").open = false;
    read();
    find("words").tabIndex = -1;
    setCamera(Number(select ? select.value : document.querySelector("[data-zone-camera]")?.dataset.zoneCamera || 0));
  };
  addEventListener("DOMContentLoaded", () => document.querySelectorAll("[data-drawing]").forEach(begin));
})();
