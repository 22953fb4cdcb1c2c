// Keeps a page up to date: a socket says that something changed, htmx fetches the fragments that show it.
// Without a socket the fragments are fetched every ten seconds. Nothing here holds data of its own.
(() => {
  const stateBox = document.getElementById("live-state");
  if (!stateBox) return; // not logged in
  const body = document.body;
  const NO_PERMISSION = 4403;
  const HEARTBEAT = 15_000, SILENCE = 40_000, POLL = 10_000, LONGEST_WAIT = 30_000;

  let socket = null, attempts = 0, heardAt = 0, retryTimer = 0;
  let known = Number(body.dataset.lastAlert); // newest alert heard of, for "since"
  let announced = known; // newest alert told to the officer

  // --- what changed -------------------------------------------------------------------------------------

  const tell = (name) => body.dispatchEvent(new CustomEvent(name));
  const alertsChanged = () => tell("alerts-changed");
  let passagesTimer = 0;
  const passagesChanged = () => {
    if (passagesTimer) return;
    passagesTimer = setTimeout(() => { passagesTimer = 0; tell("passages-changed"); }, 1000);
    document.querySelectorAll("[data-fresh]").forEach((note) => { note.hidden = false; });
  };
  const alertChanged = (id) => { alertsChanged(); tell(`alert-${id}-changed`); };
  const camerasChanged = () => tell("cameras-changed");
  const everything = () => {
    alertsChanged();
    camerasChanged();
    passagesChanged();
    document.querySelectorAll("article[data-alert-id]").forEach((alert) => alertChanged(alert.dataset.alertId));
  };

  // --- the socket ---------------------------------------------------------------------------------------

  const address = () => {
    const own = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
    return `${(body.dataset.websocket || own).replace(/\/$/, "")}/ws/alerts/`;
  };
  const setState = (state) => { if (stateBox.dataset.state !== state) stateBox.dataset.state = state; };
  const isOpen = () => socket !== null && socket.readyState === WebSocket.OPEN;
  const ask = () => { if (isOpen()) socket.send(JSON.stringify({ since: known })); };

  const hear = (message) => {
    if (message.type === "missed") {
      known = Math.max(known, ...message.ids);
      if (message.ids.length) alertsChanged();
    } else if (message.type === "alert.raised") {
      known = Math.max(known, message.id);
      alertsChanged();
    } else if (message.type === "alert.changed") {
      alertChanged(message.id);
    } else if (message.type === "passages") {
      passagesChanged();
    } else if (message.type === "camera.incident") {
      camerasChanged();
    }
  };

  const connect = () => {
    clearTimeout(retryTimer);
    if (socket !== null && socket.readyState <= WebSocket.OPEN) return;
    let mine;
    try { mine = socket = new WebSocket(address()); } catch { later(); return; }
    mine.onopen = () => {
      heardAt = Date.now();
      if (attempts > 0) everything(); // what changed meanwhile is not repeated by the server
      attempts = 0;
      setState("open");
      ask();
    };
    mine.onmessage = (event) => { heardAt = Date.now(); hear(JSON.parse(event.data)); };
    mine.onclose = (event) => {
      if (mine !== socket) return;
      if (event.code === NO_PERMISSION) setState("closed");
      else later();
    };
  };
  const later = () => {
    setState("lost");
    const wait = Math.min(LONGEST_WAIT, 500 * 2 ** attempts) * (0.5 + Math.random());
    attempts += 1;
    clearTimeout(retryTimer);
    retryTimer = setTimeout(connect, wait);
  };
  const drop = () => { const old = socket; socket = null; if (old) old.close(); later(); };

  setInterval(() => {
    if (isOpen() && Date.now() - heardAt > SILENCE) drop(); // half-open: the network went without a word
    else ask();
  }, HEARTBEAT);
  setInterval(() => { if (!isOpen() && stateBox.dataset.state !== "closed") everything(); }, POLL);
  addEventListener("online", connect);
  addEventListener("offline", drop);
  document.addEventListener("visibilitychange", () => { if (!document.hidden && stateBox.dataset.state === "lost") connect(); });
  connect();

  // --- fragments ----------------------------------------------------------------------------------------

  const ids = (root) => [...root.querySelectorAll("[data-alert-id], [data-passage-id]")]
    .map((row) => Number(row.dataset.alertId || row.dataset.passageId));
  const seen = new Map(); // fragment -> newest row it ever showed
  document.querySelectorAll("#alerts-live, #rows, #passages-live").forEach((fragment) => {
    seen.set(fragment.id, Math.max(fragment.id === "passages-live" ? 0 : known, ...ids(fragment)));
  });
  const rowName = (row) => (row.dataset.alertId ? `[data-alert-id="${row.dataset.alertId}"]` : `[data-passage-id="${row.dataset.passageId}"]`);
  let focusBack = "", currentBack = "";

  body.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target } = event.detail;
    if (xhr.responseURL && new URL(xhr.responseURL).pathname === body.dataset.loginUrl) {
      event.detail.shouldSwap = false;
      location.reload(); // the session ended: the log-in page, whole
      return;
    }
    const focused = target.contains(document.activeElement) && document.activeElement.closest("[data-alert-id], [data-passage-id]");
    const current = target.querySelector(".is-current");
    focusBack = focused ? rowName(focused) : "";
    currentBack = current ? rowName(current) : "";
  });
  body.addEventListener("htmx:afterSwap", (event) => {
    const fragment = document.getElementById(event.detail.target.id);
    if (!fragment) return;
    if (fragment.id === "alert-count") { announce(fragment.querySelector("[data-newest-alert]")); return; }
    const before = seen.get(fragment.id);
    if (before !== undefined) {
      fragment.querySelectorAll("[data-alert-id], [data-passage-id]").forEach((row) => {
        if (Number(row.dataset.alertId || row.dataset.passageId) > before) row.classList.add("is-new");
      });
      seen.set(fragment.id, Math.max(before, ...ids(fragment)));
    }
    if (currentBack) fragment.querySelector(currentBack)?.classList.add("is-current");
    if (focusBack) fragment.querySelector(`${focusBack} [data-open]`)?.focus({ preventScroll: true });
  });
  const stale = (event, yes) => {
    const note = event.target.closest?.("[data-live-list]")?.querySelector(".stale");
    if (note) note.hidden = !yes;
  };
  body.addEventListener("htmx:sendError", (event) => stale(event, true));
  body.addEventListener("htmx:responseError", (event) => stale(event, true));
  body.addEventListener("htmx:afterOnLoad", (event) => { if (event.detail.successful) stale(event, false); });
  body.addEventListener("click", (event) => { if (event.target.closest("[data-retry]")) everything(); });

  // --- a new alert: title, words for screen readers, sound ------------------------------------------------

  const plainTitle = document.title.replace(/^\(\d+\) /, "");
  const announce = (count) => {
    const waiting = Number(count.dataset.newAlerts), newest = Number(count.dataset.newestAlert);
    document.title = waiting ? `(${waiting}) ${plainTitle}` : plainTitle;
    known = Math.max(known, newest);
    if (newest <= announced) return;
    announced = newest;
    document.getElementById("announce").textContent = count.dataset.said;
    beep();
  };

  const soundButton = document.getElementById("sound");
  let audio = null, wanted = false;
  try { wanted = localStorage.getItem("sound") === "on"; } catch { /* storage refused: stays off */ }
  const openAudio = () => { audio ??= new AudioContext(); audio.resume(); };
  const beep = () => {
    if (!wanted || !audio || audio.state !== "running") return;
    [880, 1175].forEach((pitch, index) => {
      const tone = audio.createOscillator(), loudness = audio.createGain(), start = audio.currentTime + index * 0.18;
      tone.frequency.value = pitch;
      loudness.gain.setValueAtTime(0.25, start);
      loudness.gain.exponentialRampToValueAtTime(0.001, start + 0.16);
      tone.connect(loudness).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.17);
    });
  };
  soundButton.hidden = !("AudioContext" in window);
  soundButton.setAttribute("aria-pressed", String(wanted));
  soundButton.addEventListener("click", () => {
    wanted = !wanted;
    soundButton.setAttribute("aria-pressed", String(wanted));
    try { localStorage.setItem("sound", wanted ? "on" : "off"); } catch { /* only for this page, then */ }
    if (wanted) { openAudio(); setTimeout(beep, 50); }
  });
  // A browser lets a page sound only after a gesture: the first one opens what was chosen last time.
  if (wanted) addEventListener("pointerdown", openAudio, { once: true });
  if (wanted) addEventListener("keydown", openAudio, { once: true });

  // --- times stay true; a picture that is gone leaves its place ---------------------------------------------

  const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { style: "short", numeric: "always" });
  setInterval(() => {
    document.querySelectorAll("time[data-ago]").forEach((time) => {
      const minutes = Math.floor((Date.now() - Date.parse(time.dateTime)) / 60_000);
      if (minutes < 1 || minutes >= 720) return;
      time.textContent = minutes < 60 ? relative.format(-minutes, "minute") : relative.format(-Math.floor(minutes / 60), "hour");
    });
  }, 20_000);

  const withoutPicture = (image) => {
    const place = document.createElement("span");
    place.className = `${image.className} crop--none`;
    image.replaceWith(place);
  };
  document.addEventListener("error", (event) => { if (event.target.matches?.("img.crop")) withoutPicture(event.target); }, true);
  document.querySelectorAll("img.crop").forEach((image) => { if (image.complete && !image.naturalWidth) withoutPicture(image); });
})();
