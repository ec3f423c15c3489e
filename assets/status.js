// Shows what to notice and what computed it, and replaces the address's query by the page's
// settings. Streamlit's own switches (embed and the like) stay, and so does what a stage writes while
// the setting that it belongs to stays; the browser's history does not grow.
const KEPT = ["embed", "embed_options", "controls"]

// The buttons to mark stand outside: Streamlit would have to send them all again. On a page that
// is being opened they may come later than this.
let waiting
function markShown(rows) {
  const markRow = ([name, [shown, many]]) => {
    const key = `-${name.replaceAll(".", "-")}-`
    const buttons = document.querySelectorAll(`[class*="${key}"] button`)
    for (const button of buttons) {
      const number = parseInt(button.closest(`[class*="${key}"]`).className.split(key)[1])
      button.setAttribute("aria-pressed", String(number === shown))
    }
    return buttons.length >= many
  }
  const mark = () => Object.entries(rows).map(markRow).every(Boolean)
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
  for (const [name, [under, left]] of Object.entries(kept)) {
    const same = (now.get(under) ?? left) === (next.get(under) ?? left)
    if (now.has(name) && same) next.set(name, now.get(name))
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
  markShown(data.rows)
  writeAddress(data.query, data.kept)
}
