// What every component begins with: it is mounted once, and makes elements.

const SHARED = "torch-loupe-x"; // said of a group's x: its charts and steppers read the same

const mounted = new WeakMap();

// Streamlit runs this again for new data and for a new theme: keep what the reader chose.
function mount(name, Kind) {
  return ({ data, parentElement, setTriggerValue }) => {
    const root = parentElement.querySelector(`.${name}`);
    if (!root || !data) return;
    let part = mounted.get(parentElement);
    if (part?.root !== root) {
      part?.close();
      part = new Kind(root);
      mounted.set(parentElement, part);
    }
    part.trigger = setTriggerValue;
    part.update(data);
    return () => {
      part.close();
      mounted.delete(parentElement);
    };
  };
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
