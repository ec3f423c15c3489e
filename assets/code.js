
// Keep the code above for all that draws by it: see drawn.js.
export default function () {
  (globalThis.torchLoupe ??= new Map()).set("NAME", render);
  document.dispatchEvent(new CustomEvent("torch-loupe-code", { detail: "NAME" }));
}
