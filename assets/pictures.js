// Puts the page's own markup (figures.style.panels) in place. It has no script and no outside text
// that is not escaped; Streamlit's own HTML element would drop the SVG.
export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".pictures")
  place.innerHTML = data.markup
}
