// Shows what to notice and what computed it, and replaces the address's query by the page's
// settings. Streamlit's own switches (embed and the like) stay, and so does what a stage writes while
// the setting that it belongs to stays; the browser's history does not grow.
const KEPT = ["embed", "embed_options", "controls"]

// The buttons of presets stand outside: Streamlit would have to send them all again. On a page that
// is being opened they may come later than this.
let waiting
function markPreset({ preset, presets }) {
  const mark = () => {
    const buttons = document.querySelectorAll('[class*="-preset-"] button')
    for (const button of buttons) {
      const [, number] = button.closest('[class*="-preset-"]').className.match(/-preset-(\d+)/)
      button.setAttribute("aria-pressed", String(Number(number) === preset))
    }
    return buttons.length >= presets
  }
  waiting?.disconnect()
  if (mark()) return
  waiting = new MutationObserver(() => mark() && waiting.disconnect())
  waiting.observe(document.body, { childList: true, subtree: true })
}

function writeAddress(query, kept) {
  const now = new URLSearchParams(window.location.search)
  const next = new URLSearchParams(query)
  for (const name of KEPT) {
    for (const value of now.getAll(name)) next.append(name, value)
  }
  for (const [name, under] of Object.entries(kept)) {
    if (now.has(name) && now.get(under) === next.get(under)) next.set(name, now.get(name))
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
  markPreset(data)
  writeAddress(data.query, data.kept)
}
