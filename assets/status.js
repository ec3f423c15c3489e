// Shows what to notice and what computed it, and replaces the address's query by the page's
// settings. Streamlit's own switches (embed and the like) stay; the browser's history does not grow.
const KEPT = ["embed", "embed_options", "controls", "tour"]

// The buttons of presets stand outside: Streamlit would have to send them all again.
function markPreset(chosen) {
  for (const button of document.querySelectorAll('[class*="-preset-"] button')) {
    const [, number] = button.closest('[class*="-preset-"]').className.match(/-preset-(\d+)/)
    button.setAttribute("aria-pressed", String(Number(number) === chosen))
  }
}

function writeAddress(query) {
  const now = new URLSearchParams(window.location.search)
  const next = new URLSearchParams(query)
  for (const name of KEPT) {
    for (const value of now.getAll(name)) next.append(name, value)
  }
  if (next.toString() === now.toString()) return
  const address = new URL(window.location.href)
  address.search = next.toString()
  window.history.replaceState(window.history.state, "", address)
}

export default function ({ data, parentElement }) {
  parentElement.querySelector(".notice").textContent = data.notice
  const badges = data.badges.map((words) => {
    const badge = document.createElement("span")
    badge.textContent = words
    return badge
  })
  parentElement.querySelector(".badges").replaceChildren(...badges)
  markPreset(data.preset)
  writeAddress(data.query)
}
