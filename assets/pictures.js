// Puts the page's own markup (figures.style.panels) in place. It has no script and no outside text
// that is not escaped; Streamlit's own HTML element would drop the SVG. A table that the reader has
// opened stays open.
export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".pictures")
  const before = [...place.querySelectorAll("details")]
  const held = before.findIndex((part) => part.contains(place.getRootNode().activeElement))
  place.innerHTML = data.markup
  const now = [...place.querySelectorAll("details")]
  now.forEach((part, index) => { part.open = before[index]?.open ?? false })
  if (held >= 0) now[held]?.querySelector("summary").focus({ preventScroll: true })
}
