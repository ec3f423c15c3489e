// What every component begins with: it is mounted once, and makes elements.

const SHARED = "torch-loupe-x"; // said of a group's x: its charts and steppers read the same

const mounted = new WeakMap();
const CLOSE_AFTER_MS = 1000;

// Streamlit runs this again for new data and for a new theme: keep what the reader chose. Where new
// data comes fast it also gives up a part and takes it again at once, or gives it up for an older
// run than the last: a part is closed when nobody has taken it again.
function mount(name, Kind) {
  return ({ data, parentElement, setTriggerValue }) => {
    const root = parentElement.querySelector(`.${name}`);
    if (!root || !data) return;
    let held = mounted.get(parentElement);
    if (held?.root !== root) {
      held?.part.close();
      held = { root, part: new Kind(root), run: 0 };
      mounted.set(parentElement, held);
    }
    const { part } = held;
    const run = (held.run += 1);
    clearTimeout(held.closing);
    part.trigger = setTriggerValue;
    part.update(data);
    return () => {
      if (held.run !== run) return;
      const close = () => {
        part.close();
        if (mounted.get(parentElement) === held) mounted.delete(parentElement);
      };
      if (root.isConnected) held.closing = setTimeout(close, CLOSE_AFTER_MS);
      else close();
    };
  };
}

// What a reader edits goes to Python, which answers with what it makes of it. Each edit has a number,
// and data says which was the last that Python had seen: what it made before a later one, and it may
// come more than once, is no news.
class Edits {
  constructor() {
    this.session = null;
    this.number = 0;
  }

  late({ edits }) {
    if (!edits) return false;
    const [session, number] = edits;
    if (session !== this.session) [this.session, this.number] = edits;
    return number < this.number;
  }

  send(trigger, value) {
    this.number += 1;
    trigger("edited", [this.number, value]);
  }
}

function element(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function shape(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
