// Leads to the part of the page that an address asks for, and holds on to it while what stands
// above is still being drawn. Spells the mistake on show in the address; the history does not grow.
const HELD_MS = 4000
const HANDS = ["wheel", "touchstart", "keydown", "pointerdown"]

let letGo
function lead(part) {
  letGo?.()
  const main = document.querySelector('[data-testid="stMain"]')
  const find = () => document.getElementById(part)
  const show = () => find()?.scrollIntoView({ block: "start", behavior: "instant" })
  const watcher = new ResizeObserver(show)
  const timer = window.setTimeout(() => letGo?.(), HELD_MS)
  letGo = () => {
    watcher.disconnect()
    window.clearTimeout(timer)
    HANDS.forEach((hand) => window.removeEventListener(hand, letGo, true))
    letGo = undefined
  }
  HANDS.forEach((hand) => window.addEventListener(hand, letGo, true))
  watcher.observe(main.querySelector('[data-testid="stMainBlockContainer"]') ?? main)
  show()
  // The keyboard goes on from here, and a screen reader says where it is.
  const heading = find()
  heading?.setAttribute("tabindex", "-1")
  heading?.focus({ preventScroll: true })
}

function spell(mistake) {
  const address = new URL(window.location.href)
  if ((address.searchParams.get("mistake") ?? "") === mistake) return
  if (mistake) address.searchParams.set("mistake", mistake)
  else address.searchParams.delete("mistake")
  window.history.replaceState(window.history.state, "", address)
}

const led = new WeakMap()
export default function ({ data, parentElement }) {
  if (data.mistake !== null) spell(data.mistake)
  if (data.part && led.get(parentElement) !== data.visit) {
    led.set(parentElement, data.visit)
    lead(data.part)
  }
}
