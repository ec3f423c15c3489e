
// Keep the code above for all that draws by it (drawn.js), and what it stands in and looks like.
const sheet = new CSSStyleSheet();
sheet.replaceSync(CSS);

// Streamlit keeps the place where another component takes over.
function dress(place) {
  if (!place || place.dataset.drawn === "NAME") return;
  place.dataset.drawn = "NAME";
  place.getRootNode().adoptedStyleSheets = [sheet];
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
