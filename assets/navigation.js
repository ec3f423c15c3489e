// The pages as links; a chapter's fold. A plain click asks the server for the page, which keeps
// what the reader has set; any other click is the browser's.
const rise = (path) => `./${path}`

function anchor({ path, title, icon, help }, go) {
  const link = document.createElement("a")
  link.href = rise(path)
  link.dataset.path = path
  if (help) link.title = help
  const mark = document.createElement("span")
  mark.className = "icon"
  mark.setAttribute("aria-hidden", "true")
  mark.textContent = icon
  const words = document.createElement("span")
  words.textContent = title
  link.append(mark, words)
  link.addEventListener("click", (event) => {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    go(path)
  })
  return link
}

function list(links, go) {
  const items = document.createElement("ul")
  items.append(
    ...links.map((entry) => {
      const item = document.createElement("li")
      item.append(anchor(entry, go))
      return item
    }),
  )
  return items
}

function group({ title, links }, go) {
  if (!title) return list(links, go)
  const chapter = document.createElement("details")
  const name = document.createElement("summary")
  name.textContent = title
  chapter.append(name, list(links, go))
  return chapter
}

const drawn = new WeakMap()
export default function ({ data, parentElement, setTriggerValue }) {
  const nav = parentElement.querySelector("nav")
  const groups = JSON.stringify(data.groups)
  if (drawn.get(nav) !== groups) {
    drawn.set(nav, groups)
    const go = (path) => setTriggerValue("path", path)
    nav.replaceChildren(...data.groups.map((entry) => group(entry, go)))
  }
  for (const link of nav.querySelectorAll("a")) {
    const here = link.dataset.path === data.now
    if (here === link.hasAttribute("aria-current")) continue
    if (here) link.setAttribute("aria-current", "page")
    else link.removeAttribute("aria-current")
    const chapter = link.closest("details")
    if (chapter && here) chapter.open = true
  }
}
