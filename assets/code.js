
// Keep the code above for all that draws by it (drawn.js), and what it stands in and looks like.
const sheet = new CSSStyleSheet();
sheet.replaceSync(CSS);

function dress(place) {
  if (!place || place.hasChildNodes()) return;
  const around = place.getRootNode();
  const sheets = around.adoptedStyleSheets;
  if (!sheets.includes(sheet)) around.adoptedStyleSheets = [...sheets, sheet];
  place.innerHTML = HTML;
}

function dressed(component) {
  dress(component.parentElement.querySelector(".torch-loupe-place"));
  return render(component);
}

export default function () {
  (globalThis.torchLoupe ??= new Map()).set("NAME", dressed);
  document.dispatchEvent(new CustomEvent("torch-loupe-code", { detail: "NAME" }));
}
