// Replaces the address's query by the page's settings. Streamlit's own switches (embed and the
// like) stay; no entry is added to the browser's history.
const KEPT = ["embed", "embed_options", "controls"]

export default function ({ data }) {
  const now = new URLSearchParams(window.location.search)
  const next = new URLSearchParams(data.query)
  for (const name of KEPT) {
    for (const value of now.getAll(name)) next.append(name, value)
  }
  if (next.toString() === now.toString()) return
  const address = new URL(window.location.href)
  address.search = next.toString()
  window.history.replaceState(window.history.state, "", address)
}
