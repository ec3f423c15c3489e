// Puts the page's own markup in place, and tells which of its buttons was clicked. The arrows walk
// among the buttons; only one of them is a stop of the tab key.
export default function ({ data, parentElement, setTriggerValue }) {
  const place = parentElement.querySelector(".choices")
  const held = place.contains(place.getRootNode().activeElement)
  place.innerHTML = data.markup
  const buttons = [...place.querySelectorAll("button[data-choice]")]
  const pressed = buttons.find((button) => button.getAttribute("aria-pressed") === "true")
  const stop = (chosen) => {
    for (const button of buttons) button.tabIndex = button === chosen ? 0 : -1
  }
  stop(pressed ?? buttons[0])
  if (held) (pressed ?? buttons[0])?.focus({ preventScroll: true })
  place.onclick = (event) => {
    const button = event.target.closest("button[data-choice]")
    if (button) setTriggerValue("chosen", button.dataset.choice)
  }
  place.onkeydown = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    const at = buttons.indexOf(event.target.closest("button[data-choice]"))
    if (!step || at < 0) return
    event.preventDefault()
    const next = buttons[(at + step + buttons.length) % buttons.length]
    stop(next)
    next.focus()
  }
}
