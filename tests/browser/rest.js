// Tells when a Streamlit page has come to rest, and when it did. Injected before the page's own scripts.
//
// A page is at rest once every rerun it asked for has been answered to the end, Streamlit says so,
// nothing on it is stale or still loading, and nothing has changed on it for a while. That while does
// not count: the time told is the time of the last change.
(() => {
  if (window.torchLoupeRest) return;

  // Field numbers of Streamlit's BackMsg and ForwardMsg.
  const RERUN_SCRIPT = 11;
  const SCRIPT_FINISHED = 6;
  const FINISHED_EARLY_FOR_RERUN = 2;

  const times = { key: NaN, changed: 0, asked: -1, answered: -1 };
  const changed = () => {
    times.changed = performance.now();
  };

  // Changes of the document, of every shadow root in it, and of pictures and canvases.
  const watch = (root) => {
    new MutationObserver(changed).observe(root, {
      attributes: true,
      characterData: true,
      childList: true,
      subtree: true,
    });
    root.addEventListener("load", changed, true);
  };
  watch(document);
  const attachShadow = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (init) {
    const root = attachShadow.call(this, init);
    watch(root);
    return root;
  };
  for (const name of ["clearRect", "drawImage", "fill", "fillRect", "fillText", "putImageData", "stroke"]) {
    const draw = CanvasRenderingContext2D.prototype[name];
    CanvasRenderingContext2D.prototype[name] = function (...args) {
      changed();
      return draw.apply(this, args);
    };
  }

  // The value of a varint field at the top level of a protobuf message; 0 if it is a submessage.
  const field = (data, wanted) => {
    const bytes = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
    let at = 0;
    const varint = () => {
      let value = 0;
      for (let scale = 1; ; scale *= 128) {
        const byte = bytes[at++];
        value += (byte & 127) * scale;
        if (!(byte & 128)) return value;
      }
    };
    while (at < bytes.length) {
      const tag = varint();
      const number = Math.floor(tag / 8);
      const kind = tag % 8;
      const value = kind === 0 || kind === 2 ? varint() : 0;
      if (number === wanted) return kind === 0 ? value : 0;
      at += { 1: 8, 2: value, 5: 4 }[kind] ?? 0;
    }
    return undefined;
  };

  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", ({ data }) => {
        if (!(data instanceof ArrayBuffer)) return;
        const status = field(data, SCRIPT_FINISHED);
        if (status !== undefined && status !== FINISHED_EARLY_FOR_RERUN) times.answered = performance.now();
      });
    }
    send(data) {
      if (typeof data !== "string" && field(data, RERUN_SCRIPT) !== undefined) times.asked = performance.now();
      super.send(data);
    }
  };

  window.addEventListener("keydown", () => { times.key = performance.now(); }, true);

  const LOADING = '[data-stale="true"], [data-testid="stSkeleton"], [data-testid="stAppSkeleton"]';
  // Why the page is not at rest, in words; empty if it is, but for the quiet while.
  const reason = () => {
    const app = document.querySelector('[data-testid="stApp"]');
    if (!app) return "there is no Streamlit app on the page";
    const state = app.getAttribute("data-test-script-state");
    if (state !== "notRunning") return `the script state is ${state}`;
    if (times.asked > times.answered) return "a rerun is not finished";
    const loading = document.querySelectorAll(LOADING);
    if (loading.length) return `${loading.length} elements are stale or loading`;
    return "";
  };

  // Resolves to the time of the last change, in ms since navigation, once `quiet` ms have passed
  // without another. `afterKey`: wait for the rerun that the last key press asks for.
  const settled = (quiet, timeout, afterKey = false) =>
    new Promise((resolve, reject) => {
      const called = performance.now();
      const look = () => {
        const now = performance.now();
        const last = Math.max(times.changed, times.answered);
        const since = afterKey ? last : Math.max(last, called);
        let why = reason();
        if (!why && afterKey && !(times.asked >= times.key)) why = "the key press asked for no rerun";
        if (!why && now - since >= quiet) resolve(last);
        else if (now - called > timeout) reject(new Error(why || "the page keeps changing"));
        else setTimeout(look, 10);
      };
      look();
    });

  window.torchLoupeRest = {
    settled,
    // Resolves to the ms from the last key press to the last change that it made.
    change: async (quiet, timeout) => (await settled(quiet, timeout, true)) - times.key,
  };
})();
