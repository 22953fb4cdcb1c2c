// The live view: asks for a picture a second while the page is seen, and draws the plates over it.
// The server decides what is shown and says it in words; here are only the words for when it cannot be asked.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const GIVE_UP = 5000, RETRY = 2000;
  const LOOKS = { live: ["good", "live"], stale: ["verify", "clock"], waiting: ["plain", "clock"], idle: ["off", "lost"], off: ["off", "off"] };
  const TROUBLE = ["verify", "alert"];

  const begin = (view) => {
    const find = (selector) => view.querySelector(selector);
    const image = find("img"), boxes = find(".watch__boxes"), none = find(".watch__none"), start = find("[data-start]");
    const state = find(".watch__state"), list = find("[data-list]");
    let mark = "", seen = "", timer = 0, over = false, told = null;

    const tell = (name, words, why = "") => {
      const [look, icon] = LOOKS[name] || TROUBLE;
      const shown = !image.hidden;
      if (view.dataset.state !== name) find("[role=status]").textContent = words; // once, not each second
      view.dataset.state = name;
      state.hidden = !shown; // without a picture its place says it all
      state.dataset.look = look;
      state.querySelector("use").setAttribute("href", `#i-${icon}`);
      const line = state.querySelector("[data-state-words]");
      if (line.textContent !== words) line.textContent = words;
      none.hidden = shown;
      none.querySelector("[data-words]").textContent = words;
      none.querySelector("[data-why]").textContent = why;
      state.querySelector("[data-state-why]").textContent = shown ? why : "";
    };
    const end = (name, words) => { over = true; clearTimeout(timer); clear(); tell(name, words); };
    const clear = () => { image.hidden = true; boxes.replaceChildren(); list.textContent = "–"; seen = ""; told = null; };

    const make = (name, attributes) => {
      const one = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) one.setAttribute(key, value);
      return one;
    };
    const draw = () => {
      boxes.replaceChildren();
      if (!told) return;
      const { width, height, plates } = told;
      boxes.setAttribute("viewBox", `0 0 ${width} ${height}`);
      const dot = width / (image.clientWidth || width); // pixels of the picture in one of the screen
      for (const plate of plates) {
        const corners = plate.corners.map(([x, y]) => [x * width, y * height]);
        const points = corners.map((corner) => corner.join(",")).join(" ");
        const left = Math.min(...corners.map(([x]) => x)), top = Math.min(...corners.map(([, y]) => y));
        const bottom = Math.max(...corners.map(([, y]) => y));
        const label = make("text", { "font-size": 15 * dot }), wide = (plate.text.length * 9.6 + 10) * dot;
        const x = Math.max(0, Math.min(left, width - wide)), above = top > 30 * dot;
        const y = above ? top - 26 * dot : Math.min(bottom + 6 * dot, height - 22 * dot);
        label.textContent = plate.text;
        label.setAttribute("x", x + 5 * dot);
        label.setAttribute("y", y + 16 * dot);
        boxes.append(
          make("polygon", { points, class: "watch__casing" }), make("polygon", { points, class: "watch__box" }),
          make("rect", { x, y, width: wide, height: 22 * dot, class: "watch__label" }), label,
        );
      }
    };
    const show = async (answer) => {
      if (answer.picture) {
        const next = new Image();
        next.src = answer.picture;
        await next.decode(); // before it takes the other's place, so that nothing flickers
        image.src = answer.picture;
        image.width = answer.width;
        image.height = answer.height;
        image.hidden = false;
        told = answer;
        seen = answer.number;
        draw();
        if (list.innerHTML !== answer.list) list.innerHTML = answer.list;
        view.dispatchEvent(new CustomEvent("live-picture", { detail: answer.number }));
      } else if (!answer.number) clear();
      tell(answer.state, answer.words, answer.why);
    };

    const fetched = async (url, options) => {
      const response = await fetch(url, { ...options, signal: AbortSignal.timeout(GIVE_UP) });
      if (response.redirected) { end("closed", view.dataset.closed); return null; }
      if (response.status === 403) { end("denied", view.dataset.denied); return null; }
      if (response.status === 410) { mark = ""; return null; } // open for too long: the next turn opens it, and notes it, again
      if (!response.ok) throw new Error(String(response.status));
      return response.json();
    };
    const open = async () => {
      const body = new URLSearchParams({ csrfmiddlewaretoken: find("[name=csrfmiddlewaretoken]").value });
      const answer = await fetched(view.dataset.openUrl, { method: "POST", body });
      mark = answer?.mark || "";
    };
    const turn = async () => {
      let wait = RETRY;
      try {
        if (!mark) await open();
        const answer = over ? null : await fetched(`${view.dataset.pictureUrl}?${new URLSearchParams({ mark, seen })}`);
        if (answer) { await show(answer); wait = answer.wait; }
      } catch { tell("offline", view.dataset.offline); }
      clearTimeout(timer);
      if (!over && !document.hidden) timer = setTimeout(turn, wait);
    };

    const go = () => { start.hidden = true; tell("waiting", view.dataset.wait); turn(); };
    document.addEventListener("visibilitychange", () => {
      if (over || !start.hidden) return;
      clearTimeout(timer);
      if (document.hidden) tell("paused", view.dataset.paused); // nobody looks: the camera's worker encodes nothing
      else turn();
    });
    new ResizeObserver(draw).observe(image);
    start.addEventListener("click", go);
    if ("autostart" in view.dataset) go(); else start.hidden = false;
  };
  document.querySelectorAll("[data-live]").forEach(begin);
})();
