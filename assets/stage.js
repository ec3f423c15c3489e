// The stage: a program on the left, what its names hold on the right. Python ran it.
//
// Everything on screen follows from `run`, `step`, `playing` and the cell that is pointed at.
// Nothing is sent back. Every place is there from the beginning and as large as it ever gets; what
// is not there yet is hidden, so nothing moves from step to step.

const PER_SECOND = 1; // steps
const SLOW_PER_SECOND = 0.5; // for readers who prefer reduced motion
const HUES = ["#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#d55e00", "#7a6ff0", "#8a8a8a"];
const [BELOW, ABOVE] = ["#0072b2", "#e08a00"];
const WIDE_ENOUGH = 42; // letters of a line, for what a program says
const TELL_MS = 100; // browsers take only so many changes of the address
const MANY = 100; // cells from which shades tell more than numbers
const TALL = { wide: 800, narrow: 1500 }; // px of cards that stand open; what is below folds
const FEW_KEPT = 2; // tensors whose optimizer's state stands open
const ARRAY = "NumPy array"; // kind of what is no tensor
const MOST_VARIANTS = 12; // of a box that are drawn ahead, to keep its place
const MOST_ROWS = 24; // of a module's tree that stand open
const MOST_STEPPED = 8; // parameters of a group that an optimizer's box names
const WORDS =
  /(#.*$)|([rbf]*"(?:[^"\\]|\\.)*"|[rbf]*'(?:[^'\\]|\\.)*')|\b(import|from|as|for|in|is|with|if|else|elif|def|class|return|while|del|pass|None|True|False|not|and|or|lambda|try|except|raise|assert|break|continue)\b|\b(\d+\.?\d*(?:e-?\d+)?)/gm;
const KINDS = [, "comment", "string", "word", "number"];

// ---- Words.

const sign = (text) => text.replace(/-/g, "−");
const tuple = (list) => `(${sign(list.join(", "))}${list.length === 1 ? "," : ""})`;
const product = (list) => list.reduce((a, b) => a * b, 1);
const short = (name) => name.replace(/^.*::/, "").replace(/Backward\d*$/, "").replace("AccumulateGrad", "leaf");
const range = (n) => Array.from({ length: n }, (_, i) => i);

// Two or three digits in a cell; what is said of a cell has all of them.
function brief(value) {
  if (value === true) return "T";
  if (value === false) return "F";
  if (typeof value !== "number") return sign(String(value ?? ""));
  const size = Math.abs(value);
  if (Object.is(value, -0)) return "−0";
  if (Number.isInteger(value) && size < 1e5) return sign(String(value));
  if (size >= 1e5 || size < 1e-3) return sign(value.toExponential(1).replace("e+", "e").replace(".0e", "e"));
  // What is not whole never looks whole.
  const digits = size >= 1000 ? value.toFixed(0) : value.toPrecision(size < 0.1 ? 2 : 3);
  const shortest = String(Number(digits));
  return sign(/[.]/.test(shortest) || size >= 100 ? shortest : digits);
}

function full(value) {
  if (value === true) return "True";
  if (value === false) return "False";
  return Object.is(value, -0) ? "−0" : sign(String(value));
}

// Names stand in backticks.
function spoken(text) {
  return text.split("`").map((part, index) => (index % 2 ? element("b", {}, part) : part));
}

// Text that keeps the place of the longest it ever says.
function reserved(kind, longest) {
  const now = element("span", {});
  const root = element("span", { class: `reserved ${kind}` }, element("span", { class: "ghost", "aria-hidden": "true" }, longest), now);
  root.say = (text) => {
    if (now.textContent !== text) now.textContent = text;
    root.classList.toggle("absent", !text);
  };
  return root;
}

// An index of a dimension, as a screen reader says it with the cells that have it.
const heading = (role, words, kind = "span") => element(kind, { class: "heard", role }, words);

const bare = (name) => name.replace(/ in .*/, "");
const longest = (texts) => [...texts].reduce((a, b) => (b.length > a.length ? b : a), "");

// ---- The cells of a tensor of one shape.

class Cells {
  // `letters` of its longest number; nothing where its width is the style sheet's.
  constructor(shape, letters, kind) {
    const [rows, columns] = shape.length > 1 ? shape.slice(-2) : [1, shape[0] ?? 1];
    Object.assign(this, { shape, columns, letters, cells: [] });
    this.root = element("div", { class: `cells ${kind}` });
    this.root.style.setProperty("--n", columns);
    this.root.style.setProperty("--letters", letters);
    this.blocks = [];
    const last = kind === "memory-order" ? "cell" : `dim ${shape.length - 1}:`;
    for (const at of range(product(shape.slice(0, -2)))) {
      const grid = element("div", { class: "grid", role: "grid" });
      if (shape.length) grid.append(element("div", { class: "heard", role: "row" }, ...range(columns).map((column) => heading("columnheader", `${last} ${column}`))));
      for (const row of range(rows)) {
        const line = element("div", { class: "row", role: "row" });
        if (shape.length > 1) line.append(heading("rowheader", `dim ${shape.length - 2}: ${row}`));
        for (const column of range(columns)) {
          const cell = element("span", { class: "cell", role: "gridcell", tabindex: "-1" });
          cell.number = (at * rows + row) * columns + column;
          cell.of = this;
          this.cells.push(cell);
          line.append(cell);
        }
        grid.append(line);
      }
      this.blocks.push(grid);
      this.root.append(grid);
    }
    this.cells[0]?.setAttribute("tabindex", "0");
    if (!this.cells.length) this.root.append(element("span", { class: "hint" }, "no cells"));
  }

  index(number) {
    const index = [];
    for (const size of [...this.shape].reverse()) {
      index.unshift(number % size);
      number = Math.floor(number / size);
    }
    return index;
  }

  // `shade(value, position)` gives a hue and how much of it; `wrote` the positions that changed.
  draw(name, storage, positions, values, shade, wrote) {
    const told = `${name}, shape ${tuple(this.shape)}`;
    if (told !== this.told) {
      this.told = told;
      this.blocks.forEach((grid, at) => {
        const lead = this.blocks.length > 1 ? this.index(at * product(this.shape.slice(-2))).slice(0, -2) : [];
        grid.ariaLabel = lead.length ? `${told}, part [${lead.join(", ")}]` : told;
        if (lead.length) grid.dataset.part = `[${lead.join(", ")}]`;
      });
    }
    Object.assign(this, { name, storage, positions, values });
    for (const cell of this.cells) {
      const at = positions[cell.number];
      const value = values[cell.number];
      if (cell.value !== value || cell.value === undefined) {
        cell.value = value;
        cell.textContent = brief(value);
      }
      const [hue, much] = shade(value, at);
      if (cell.hue !== hue) cell.style.setProperty("--hue", (cell.hue = hue));
      if (cell.much !== much) cell.style.setProperty("--p", `${(cell.much = much)}%`);
      const written = wrote.has(at);
      if (cell.written !== written) cell.classList.toggle("wrote", (cell.written = written));
      cell.at = at;
    }
  }

  // Numbers where there is room for them; shades alone where there is not.
  fit(room, em) {
    const wide = (margin) => this.columns * (this.letters * 0.602 + margin) * em;
    const heat = this.columns > 4 && wide(0.25) > room;
    this.root.classList.toggle("tight", !heat && wide(0.75) > room);
    // So small that two stand side by side.
    if (heat) this.root.style.setProperty("--side", `${Math.max(9, Math.min(18, Math.floor(room / 2 / this.columns - 1)))}px`);
    if (heat !== this.heat) this.root.classList.toggle("heat", (this.heat = heat));
  }
}

// ---- A tensor under all the shapes that it has in the run.

class Block {
  constructor(facts, versions, width, kind) {
    this.facts = facts;
    this.parts = new Map();
    this.root = element("div", { class: "stack" });
    for (const [fact, values] of versions) {
      const key = this.key(fact, values);
      if (this.parts.has(key)) continue;
      const { shape } = facts[fact];
      const part = values?.summary
        ? { root: element("div", { class: "large" }) }
        : product(shape) <= 256 && key !== "none" ? new Cells(shape, width, kind)
        : { root: element("p", { class: "hint" }, `${product(shape).toLocaleString("en")} cells`) };
      if (values?.summary) summary(part.root, facts[fact], values.summary); // keeps its place
      this.parts.set(key, part);
      this.root.append(part.root);
    }
  }

  key(fact, values) {
    return `${this.facts[fact].shape}${values?.summary ? "…" : ""}`;
  }

  draw(name, fact, values, state, stage, shade, fresh) {
    const part = fact === undefined ? null : this.parts.get(this.key(fact, values));
    if (part !== this.now) {
      this.now?.root.classList.remove("now");
      part?.root.classList.add("now");
      this.now = part;
    }
    if (!part) return;
    if (values?.summary) return summary(part.root, this.facts[fact], values.summary);
    if (!(part instanceof Cells)) return;
    const { storage } = this.facts[fact];
    const positions = stage.positions(fact);
    part.fact = fact;
    const known = values ?? positions.map((at) => state.memory[storage]?.[at]);
    part.draw(name, storage, positions, known, shade, fresh ? NOTHING : (state.wrote[storage] ?? NOTHING));
  }

  fit(room) {
    const em = parseFloat(getComputedStyle(document.documentElement).fontSize);
    for (const part of this.parts.values()) part.fit?.(room, 0.75 * em);
  }
}

const NOTHING = new Set();
const INSIDE = /[.[]/; // of what a module or a list holds

// Each cell a dot or a small square, by its sign and size.
function heat(shape, shades) {
  const bytes = atob(shades);
  const columns = shape.length > 1 ? shape.at(-1) : 64;
  const height = Math.ceil(bytes.length / columns);
  const canvas = element("canvas", { class: "dots", role: "img", width: columns, height });
  canvas.ariaLabel = `${bytes.length.toLocaleString("en")} cells by size: blue below 0, orange above`;
  canvas.style.width = `${columns * Math.max(1, Math.min(6, Math.floor(200 / Math.max(columns, height))))}px`;
  const context = canvas.getContext("2d");
  const image = context.createImageData(columns, height);
  const colours = [BELOW, ABOVE].map((text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
  for (let at = 0; at < bytes.length; at++) {
    const level = bytes.charCodeAt(at);
    const share = level ? Math.abs(level - 128) / 127 : 1;
    const colour = level ? colours[Number(level > 128)] : [128, 128, 128];
    image.data.set([...colour, share ? 255 * (0.08 + 0.72 * share ** 0.7) : 0], 4 * at);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

// Of a tensor too large to show: its corners, and its numbers in short.
function summary(root, { shape }, said) {
  if (root.said === said) return;
  root.said = said;
  const of = (index) => said.corners.find(([at]) => at.join() === index.join())?.[1];
  const lead = shape.slice(0, -2).map(() => 0);
  const ends = shape.slice(-2).map((size) => (size > 1 ? [0, size - 1] : [0]));
  const [rows, columns] = [ends.length > 1 ? ends[0] : [null], ends.at(-1)];
  const apart = (list, gap) => list.flatMap((one, at) => (at ? [gap(), one] : [one]));
  const gap = (text) => () => element("td", { class: "gap" }, text);
  const heads = apart(columns.map((at) => heading("columnheader", `dim ${shape.length - 1}: ${at}`, "th")), () => heading("columnheader", "⋯", "th"));
  const lines = rows.map((row) => {
    const head = row === null ? [] : [heading("rowheader", `dim ${shape.length - 2}: ${row}`, "th")];
    const cells = columns.map((column) => element("td", {}, brief(of([...lead, ...(row === null ? [] : [row]), column]))));
    return element("tr", {}, ...head, ...apart(cells, gap("⋯")));
  });
  const between = () => element("tr", {}, ...(columns.length > 1 ? range(3) : [0]).map(gap("⋮")));
  const table = element("table", {}, element("tr", { class: "heard" }, ...heads), ...apart(lines, between));
  table.ariaLabel = `Corners${lead.length ? ` of the first of its ${product(shape.slice(0, -2))} matrices` : ""}`;
  const words = [`${product(shape).toLocaleString("en")} cells`, `mean ${brief(said.mean)}`, `std ${brief(said.deviation)}`];
  if (said.lowest !== null) words.splice(1, 0, `${brief(said.lowest)} to ${brief(said.highest)}`);
  if (said.nans) words.push(`${said.nans} nan`);
  const dots = said.shades ? [heat(shape, said.shades)] : [];
  root.replaceChildren(table, ...dots, element("p", { class: "hint" }, words.join(" · ")));
}

// ---- A tensor's place: its names, its cells, what is said of it, what hangs on it.

class Card {
  constructor(stage, run, place, frame) {
    const { facts } = run;
    const entries = run.entries[place].filter((entry) => run.stands(place, entry, frame));
    this.facts = facts;
    this.flat = frame.flat.includes(place);
    this.frame = frame;
    this.root = element("div", { class: `card${this.flat ? " flat" : ""}` });
    const names = entries.map(([list]) => this.names(list));
    this.last = names.at(-1);
    this.name = reserved("name", longest(names));
    this.shape = reserved("shape", longest(entries.map(([, fact]) => tuple(facts[fact].shape))));
    this.title = element("div", { class: "heading" }, this.name, this.shape);
    this.items = new Map();
    this.meta = element("div", { class: "meta" });
    const said = new Map();
    for (const entry of entries) for (const [kind, text] of this.said(entry)) said.set(kind, longest([said.get(kind) ?? "", text]));
    for (const [kind, text] of said) {
      const item = reserved(kind, text);
      this.items.set(kind, item);
      this.meta.append(item);
    }
    this.root.append(this.title);
    if (this.flat) this.title.append(this.meta);
    else {
      const width = Math.max(2, ...entries.map(([, fact, values]) => run.width(fact, values)));
      this.block = new Block(facts, entries.map(([, fact, values]) => [fact, values]), width, frame.strip ? "" : "alone");
      this.root.append(this.block.root, this.meta);
    }
    this.beside = new Map();
    this.hung = element("div", { class: "hung" }); // of a flat one below the strip, where its cells are
    const hung = new Map();
    for (const [, , , list] of entries) {
      for (const [name, fact, values] of list) {
        if (!hung.has(name)) hung.set(name, []);
        hung.get(name).push([fact, values]);
      }
    }
    this.keeps = element("details", { class: "keeps" }, element("summary", {}));
    this.keeps.open = run.kept <= FEW_KEPT;
    const others = [...hung.keys()].filter((name) => name !== ".grad");
    this.keeps.firstElementChild.textContent = `kept for it: ${others.join(", ")}`;
    for (const [name, versions] of hung) {
      const width = Math.max(2, ...versions.map(([fact, values]) => run.width(fact, values)));
      const block = new Block(facts, versions, width, "alone");
      const root = element("div", { class: "beside" }, element("span", { class: "of" }, name), block.root);
      this.beside.set(name, { root, block });
      (name === ".grad" ? this.hung : this.keeps).append(root);
    }
    if (others.length) this.hung.append(this.keeps);
    if (!this.flat) this.root.append(...this.hung.childNodes);
  }

  // Names of their own lead; that a tensor also stands in a module or a list is said below.
  names(list) {
    const names = [...new Set(list.map(bare))];
    const own = names.filter((name) => !INSIDE.test(name));
    if (!own.length) return names[0];
    return own.slice(0, 3).join(", ") + (own.length > 3 ? ", …" : "");
  }

  places(list) {
    const names = [...new Set(list.map(bare))];
    const inside = names.filter((name) => INSIDE.test(name));
    return inside.length < names.length ? inside : inside.slice(1);
  }

  // What is said under a tensor's cells: kind of what is said, and the words.
  said([names, fact, , , words]) {
    const { kind, dtype, stride, offset, contiguous, requires_grad: wants, leaf, made_by: made, retains_grad: retains, version, device, layout, shape, storage } = this.facts[fact];
    const found = [];
    const places = this.places(names);
    const more = places.length > 3 ? ", …" : "";
    if (places.length) found.push(["also", `also ${places.slice(0, 3).join(", ")}${more}`]);
    const inside = names[0].match(/ in (.*)/);
    if (inside) found.push(["scope", `in ${inside[1]}`]);
    if (kind === ARRAY) found.push(["kind", kind]);
    if (dtype && dtype !== this.frame.dtype) found.push(["dtype", dtype]);
    if (device) found.push(["device", device]);
    if (layout) found.push(["layout", layout]);
    const { strip, shared, labelled } = this.frame;
    if (labelled && storage) found.push(["storage", `storage ${storage}`]);
    const odd = contiguous === false || (shape.length === 1 && stride[0] !== 1);
    if (stride.length && !this.flat && (strip || shared || odd)) {
      const arrows = stride.length === 2 ? ` ↓${sign(String(stride[0]))} →${sign(String(stride[1]))}` : "";
      found.push(["stride", `stride ${tuple(stride)}${arrows}`]);
    }
    if (offset) found.push(["offset", `offset ${offset}`]);
    if (contiguous === false) found.push(["contiguous", "not contiguous"]);
    if (wants && leaf !== false) found.push(["requires_grad", kind === "Parameter" ? "Parameter" : "leaf, requires_grad"]);
    else if (kind === "Parameter") found.push(["requires_grad", "Parameter, frozen"]);
    if (made) found.push(["made_by", `grad_fn ${short(made)}`]);
    if (retains) found.push(["retains_grad", "retains grad"]);
    if (version) found.push(["version", `version ${version}`]);
    for (const word of words) found.push([`kept ${word.split(" ")[0]}`, word]);
    return found;
  }

  draw(entry, state, stage, fresh, moved) {
    this.root.classList.toggle("absent", !entry);
    this.root.classList.toggle("now", Boolean(entry));
    this.root.classList.toggle("fresh", fresh);
    this.entry = entry;
    this.keeps.classList.toggle("absent", !entry?.[3].some(([name]) => name !== ".grad"));
    if (!entry) {
      this.block?.draw();
      for (const { root, block } of this.beside.values()) {
        root.classList.add("absent");
        block.draw();
      }
      return;
    }
    const [list, fact, values, hung] = entry;
    this.name.say(this.names(list));
    this.shape.say(tuple(this.facts[fact].shape));
    const said = new Map(this.said(entry));
    for (const [kind, item] of this.items) {
      item.say(said.get(kind) ?? "");
      item.classList.toggle("moved", moved.includes(kind));
    }
    const name = bare(list[0]);
    this.block?.draw(name, fact, values, state, stage, stage.shade(this.frame, fact), fresh);
    for (const [part, { root, block }] of this.beside) {
      const found = hung.find(([other]) => other === part);
      root.classList.toggle("absent", !found);
      root.classList.toggle("moved", part === ".grad" && moved.includes("grad"));
      const path = part === ".grad" ? `${name}.grad` : `${part} of ${name}`;
      if (found) block.draw(path, found[1], found[2], state, stage, stage.shade(this.frame, found[1]), false);
      else block.draw();
    }
  }

  fit(room) {
    this.block?.fit(room);
    for (const { block } of this.beside.values()) block.fit(room - 12);
  }
}

// ---- What lies in one storage.

class Frame {
  constructor(stage, run, { ...frame }) {
    Object.assign(this, { frame, run });
    const dtypes = new Set([...frame.flat, ...frame.lanes.flat()].flatMap((place) =>
      run.entries[place].filter((entry) => run.stands(place, entry, frame)).map(([, fact]) => run.facts[fact].dtype)));
    // Said once, above its strip, where all on the storage agree.
    if (frame.strip && dtypes.size === 1) [frame.dtype] = dtypes;
    frame.labelled = run.placed && !frame.strip;
    this.root = element("div", { class: `frame${frame.strip ? " strip" : ""}${frame.shared ? " shared" : ""}`, role: "group" });
    const places = [...frame.flat, ...frame.lanes.flat()];
    this.cards = new Map(places.map((place) => [place, new Card(stage, run, place, frame)]));
    const lanes = frame.lanes.map((lane) => element("div", { class: "stack" }, ...lane.map((place) => this.cards.get(place).root)));
    if (frame.strip) {
      const kinds = places.map((place) => run.entries[place].some(([, fact]) => run.facts[fact].kind === ARRAY));
      this.head = element("span", {});
      const arrays = kinds.filter(Boolean).length;
      const most = this.words(frame.storages.at(-1), frame.strip, places.length - arrays, arrays);
      const ghost = element("span", { class: "ghost", "aria-hidden": "true" }, ...most);
      this.top = element("p", { class: "head reserved" }, ghost, this.head);
      this.shelf = element("div", { class: "shelf" });
      const letters = Math.max(1, ...frame.storages.map((label) => run.widths[label] ?? 1));
      this.strip = new Cells([frame.strip], letters, "memory-order");
      this.strip.cells.forEach((cell, at) => {
        const slot = element("span", { class: "slot", role: "presentation" });
        cell.replaceWith(slot);
        slot.append(cell, element("span", { class: "position", "aria-hidden": "true" }, String(at)));
      });
      const flat = frame.flat.map((place) => this.cards.get(place).root);
      this.shelf.append(...frame.flat.map((place) => this.cards.get(place).hung).filter((root) => root.childElementCount), ...lanes);
      this.root.append(this.top, ...flat, this.strip.root, this.shelf);
    } else this.root.append(...lanes);
  }

  words(storage, cells, tensors, arrays) {
    const many = (count, noun) => (count ? [`${count} ${noun}${count === 1 ? "" : "s"}`] : []);
    const seers = [...many(tensors, "tensor"), ...many(arrays, ARRAY)].join(" and ");
    const { dtype } = this.frame;
    return [element("b", {}, `Storage ${storage}:`), ` ${many(cells, "cell")}${dtype ? ` of ${dtype}` : ""}, seen by ${seers}`];
  }

  draw(state, stage) {
    const { step } = state;
    let storage = null;
    let count = 0;
    for (const [place, card] of this.cards) {
      const here = state.cards[place];
      const entry = here && this.run.stands(place, here, this.frame) ? here : undefined;
      card.draw(entry, state, stage, Boolean(step.fresh?.includes(place)), step.moved?.[place] ?? []);
      if (entry) {
        storage = this.run.facts[entry[1]].storage;
        count++;
      }
    }
    this.root.classList.toggle("absent", !count);
    this.root.classList.toggle("now", count > 0);
    if (!count) return;
    this.root.style.setProperty("--hue", stage.hue(storage));
    if (!this.strip) return;
    const cells = state.memory[storage] ?? [];
    const entries = [...this.cards.values()].map(({ entry }) => entry).filter(Boolean);
    const arrays = entries.filter(([, fact]) => this.run.facts[fact].kind === ARRAY).length;
    this.head.replaceChildren(...this.words(storage, cells.length, count - arrays, arrays));
    const read = new Set(entries.flatMap(([, fact]) => stage.positions(fact)));
    const flat = this.frame.flat.map((place) => this.cards.get(place).entry).find(Boolean);
    const fresh = step.fresh?.some((place) => this.cards.has(place)) && !state.known.has(storage);
    const fact = flat ? flat[1] : entries[0][1];
    this.strip.draw(
      flat ? bare(flat[0][0]) : `Storage ${storage}`, storage, range(this.frame.strip), cells,
      stage.shade(this.frame, fact), fresh ? NOTHING : (state.wrote[storage] ?? NOTHING),
    );
    this.strip.whole = !flat;
    this.strip.cells.forEach((cell, at) => {
      cell.classList.toggle("unread", !read.has(at));
      cell.parentElement.classList.toggle("absent", at >= cells.length);
    });
  }

  fit(room) {
    for (const card of this.cards.values()) card.fit(room);
  }
}

// ---- The autograd graph of one drawing.

class Graph {
  // `tags`: for each node the longest name that a tensor made by it has.
  constructor({ nodes, edges, lane }, tags) {
    const columns = [];
    nodes.forEach(([name, column, , leaf], at) => {
      const wide = leaf ? Math.max(54, Math.min(16, tags[at]?.length ?? 7) * 6.7 + 10) : short(name).length * 6.2 + 12;
      columns[column] = Math.max(columns[column] ?? 46, wide);
    });
    const starts = columns.reduce((list, wide) => [...list, list.at(-1) + wide + 20], [2]);
    const width = starts.at(-1) - 18;
    const height = (Math.max(...nodes.map(([, , row]) => row)) + 1) * 54 - 4;
    const middle = nodes.map(([, column, row]) => [starts[column] + columns[column] / 2, row * 54 + 31]);
    this.root = shape("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
    this.root.style.minWidth = `${0.8 * width}px`;
    const half = (at) => columns[nodes[at][1]] / 2;
    this.edges = edges.map(([from, to]) => {
      const [[x1, y1], [x2, y2]] = [middle[from], middle[to]];
      const [start, end] = [x1 - half(from), x2 + half(to) + 6];
      const bend = (start - end) / 2;
      const path = shape("path", { class: "edge", d: `M${start} ${y1}C${start - bend} ${y1} ${end + bend} ${y2} ${end} ${y2}` });
      const head = shape("path", { class: "tip", d: `M${end - 6} ${y2}l7 -3.5v7z` });
      return { from, to, root: shape("g", {}, path, head) };
    });
    this.nodes = nodes.map(([name, , , leaf], at) => {
      const [x, y] = middle[at];
      const wide = 2 * half(at);
      const tag = shape("text", { x, y: y - 19, class: "tag" });
      const label = shape("text", { x, y: y - 1 }, leaf ? "" : short(name));
      const note = shape("text", { x, y: y + 10, class: "note" });
      const box = shape("rect", { x: x - wide / 2, y: y - 15, width: wide, height: 30, rx: 4 });
      return { name, leaf, wide, tag, label, note, root: shape("g", { class: leaf ? "node leaf" : "node" }, box, label, note, tag) };
    });
    this.root.append(...this.edges.map(({ root }) => root), ...this.nodes.map(({ root }) => root));
    Object.assign(this, { height, lane });
  }

  draw(signs, tags, graded) {
    const words = { f: "freed", s: "changed", k: "", n: "" };
    this.nodes.forEach((node, at) => {
      const now = signs[at];
      node.root.classList.toggle("absent", now === ".");
      node.root.classList.toggle("freed", now === "f");
      node.root.classList.toggle("stale", now === "s");
      const most = Math.floor((node.wide + (node.leaf ? -4 : 18)) / 6.6);
      const tag = bare(tags[at] ?? "");
      const told = tag.length > most ? `…${tag.slice(1 - most)}` : tag;
      if (node.leaf) node.label.textContent = told || "no name";
      else node.tag.textContent = told;
      node.note.textContent = node.leaf ? (graded.has(tags[at]) ? "has .grad" : "no .grad") : words[now];
    });
    const into = new Map();
    for (const { from, to, root } of this.edges) {
      const absent = signs[from] === "." || signs[to] === ".";
      root.classList.toggle("absent", absent);
      if (!absent) into.set(from, [...(into.get(from) ?? []), to]);
    }
    // The same in words, from what was made last: the way of the gradients.
    const called = (at) => (this.nodes[at].leaf ? bare(tags[at] ?? "a leaf") : short(this.nodes[at].name));
    const said = this.nodes.flatMap((node, at) => {
      if (signs[at] === "." || (node.leaf && !into.has(at))) return [];
      const name = node.leaf || !tags[at] ? called(at) : `${bare(tags[at])}: ${called(at)}`;
      const freed = words[signs[at]] ? `, ${words[signs[at]]}` : "";
      return [`${name}${freed}${into.has(at) ? ` to ${into.get(at).map(called).join(" and ")}` : ""}`];
    });
    this.root.setAttribute("aria-label", `Gradients go from ${said.join("; ")}`);
  }
}

// ---- Modules and optimizers.

// What is drawn of one: `others` are its further names.
function thing(name, others, tree) {
  const head = element("p", { class: "title" }, element("b", {}, [name, ...others].join(", ")), ": ", element("span", { class: "kind" }, tree[0]));
  if (typeof tree[1] === "number") {
    const [, training, counted, inner] = tree;
    head.append(" ", mode(training), " ", element("span", { class: "kind" }, counted));
    return element("div", { class: "thing" }, head, rows(inner, training, lines(inner) > MOST_ROWS));
  }
  const [, options, groups] = tree;
  const said = (of) => Object.entries(of).map(([key, value]) => `${key} ${sign(value)}`).join(", ");
  head.append(" ", element("span", { class: "kind" }, said(options)));
  const list = element("ul", {});
  groups.forEach(([own, tensors], at) => {
    const item = groups.length > 1 ? element("li", {}, `group ${at} `, element("span", { class: "own" }, said(own))) : list;
    const held = groups.length > 1 ? element("ul", {}) : list;
    for (const [path, shape, kept] of tensors.slice(0, MOST_STEPPED)) {
      held.append(element("li", {}, element("code", {}, path), " ", element("span", { class: "kind" }, shape, kept ? `: keeps ${kept}` : "")));
    }
    if (tensors.length > MOST_STEPPED) held.append(element("li", { class: "kind" }, `and ${tensors.length - MOST_STEPPED} more`));
    if (!tensors.length) held.append(element("li", { class: "kind" }, "no parameter"));
    if (item !== list) list.append(item);
    if (item !== list) item.append(held);
  });
  return element("div", { class: "thing" }, head, list);
}

const mode = (training) => element("span", { class: training ? "state" : "state eval" }, training ? "training" : "eval");
const lines = (list) => list.reduce((sum, row) => sum + 1 + lines(row.find((part) => Array.isArray(part)) ?? []), 0);
const TENSORS = { p: "", b: "buffer", t: "buffer, not in state_dict", x: "tensor" };

// Tensors stand on one line, as long as there is nothing to say of them.
function rows(list, training, folded) {
  const root = element("ul", {});
  let line = null;
  for (const [what, name, first, second, third, ...others] of list) {
    const code = element("code", {}, name);
    const kind = (...words) => element("span", { class: "kind" }, ...words);
    if (what in TENSORS) {
      const marks = [second, third, ...others].filter(Boolean);
      const words = [TENSORS[what], ...marks.filter((mark) => mark === "has .grad" || mark === "frozen")].filter(Boolean);
      const also = marks.filter((mark) => mark.startsWith("also "));
      if (!line) root.append((line = element("li", { class: "tensors" })));
      line.append(element("span", { class: `tensor ${what}` }, code, ` ${first}`, ...words.map((word) => kind(` ${word}`)), ...also.map((mark) => element("span", { class: "tied" }, ` ${mark}`))));
      continue;
    }
    line = null;
    if (what === "again") root.append(element("li", {}, code, " ", kind(first, ": "), element("span", { class: "tied" }, "the same module as ", element("code", {}, second))));
    else if (what === "child") {
      const head = [code, " ", kind(first), ...(second === training ? [] : [" ", mode(second)]), ...(others.length ? [element("span", { class: "tied" }, ` also ${others.join(", ")}`)] : [])];
      if (folded && third.length) root.append(element("li", {}, element("details", {}, element("summary", {}, ...head), rows(third, second, false))));
      else root.append(element("li", {}, ...head, ...(third.length ? [rows(third, second, folded)] : [])));
    } else {
      const item = element("li", { class: "outside" }, code, ` ${first}: `, element("span", { class: "why" }, "not registered"));
      if (second.length) item.append(rows(second, training, folded));
      root.append(item);
    }
  }
  return root;
}

// ---- A run: its steps one after another, as they stand.

class Run {
  constructor(data, words) {
    Object.assign(this, data);
    this.words = words;
    this.end = this.steps.length - 1;
    this.states = [];
    this.entries = this.places.map(() => []);
    this.widths = {};
    this.most = {};
    let [cards, plain, things, memory, graph, made] = [{}, {}, {}, {}, [], {}];
    let known = new Set();
    for (const step of this.steps) {
      cards = merged(cards, step.cards);
      plain = merged(plain, step.plain);
      things = merged(things, step.things);
      for (const [place, entry] of Object.entries(step.cards ?? {})) if (entry) this.entries[place].push(entry);
      if (step.memory) {
        memory = { ...memory };
        for (const [label, values] of Object.entries(step.memory)) {
          memory[label] = Array.isArray(values) ? values : Object.assign([...memory[label]], values);
          this.measure(label, Object.values(values));
        }
      }
      if ("graph" in step) graph = step.graph;
      const wrote = Object.fromEntries(Object.entries(step.wrote ?? {}).map(([label, cells]) => [label, new Set(cells)]));
      if (step.made) {
        made = { ...made };
        for (const [label, cells] of Object.entries(step.made)) {
          const said = Object.entries(cells).map(([at, list]) => [at, [step.line[1], ...list]]);
          made[label] = { ...made[label], ...Object.fromEntries(said) };
        }
      }
      this.states.push({ step, cards, plain, things, memory, graph, wrote, known, made });
      known = new Set(Object.keys(memory));
    }
    for (const list of this.entries) {
      for (const [, fact, values, hung] of list) {
        for (const [f, v] of [[fact, values], ...hung.map((part) => part.slice(1))]) {
          if (Array.isArray(v)) this.measure(this.facts[f].storage, v);
        }
      }
    }
    this.kept = this.entries.filter((list) => list.some(([, , , hung]) => hung.some(([name]) => name !== ".grad"))).length;
    // One colour a storage, in the order in which they come on stage.
    this.hues = {};
    for (const { cards: here } of this.states) {
      for (const [, fact] of Object.values(here)) this.hues[this.facts[fact].storage] ??= Object.keys(this.hues).length;
    }
    // Without gradients a program is about memory: each storage has a colour and a label.
    const few = this.facts.every(({ shape }) => product(shape) < MANY);
    this.placed = this.frames.some(({ shared }) => shared) || (!this.graded && few && this.facts.length > 0);
  }

  // A name that is bound anew while others see its old storage goes to another frame.
  stands(place, [, fact], { storages }) {
    return storages.includes(this.facts[fact].storage || `no storage: ${this.places[place]}`);
  }

  measure(label, values) {
    for (const value of values) {
      this.widths[label] = Math.max(this.widths[label] ?? 1, brief(value).length);
      if (typeof value === "number") this.most[label] = Math.max(this.most[label] ?? 0, Math.abs(value));
    }
  }

  width(fact, values) {
    return values?.summary ? 1 : (this.widths[this.facts[fact].storage] ?? 1);
  }
}

function merged(before, changes) {
  if (!changes) return before;
  const now = { ...before, ...changes };
  for (const [key, value] of Object.entries(changes)) if (value === null) delete now[key];
  return now;
}

class Stage {
  constructor(root) {
    for (const part of ["runs", "code", "play", "range", "turns", "said", "look", "right", "memory", "held", "locals", "more", "graph", "things", "plain", "key", "left"]) {
      this[part] = root.querySelector(`.${part}`);
    }
    this.folded = this.more.querySelector(".memory");
    this.root = root;
    this.step = 0;
    this.which = 0;
    this.playing = false;
    this.moved = false; // by the reader
    this.moves = { first: () => 0, previous: () => this.step - 1, next: () => this.step + 1, last: () => Infinity };
    this.buttons = {};
    for (const [name, title] of Object.entries({ previous: "Line before", next: "Next line" })) {
      const button = (this.buttons[name] = root.querySelector(`.${name}`));
      button.title = button.ariaLabel = title;
      button.onclick = () => this.go(this.moves[name]());
    }
    this.play.onclick = () => this.roll(!this.playing);
    this.range.ariaLabel = "Step";
    this.range.oninput = () => this.go(this.range.valueAsNumber);
    this.code.onclick = ({ target }) => {
      const line = Number(target.closest("li")?.dataset.line);
      if (line && !getSelection()?.toString()) this.toLine(line);
    };
    root.onkeydown = (event) => this.press(event);
    this.right.onpointerover = ({ target, pointerType }) => {
      if (pointerType === "mouse" && !this.pinned) this.ask(target.closest(".cell"));
    };
    this.right.onpointerleave = () => !this.pinned && this.ask(null);
    this.right.onclick = ({ target }) => {
      const cell = target.closest(".cell");
      this.pin(cell === this.pinned ? null : cell);
    };
    this.right.addEventListener("focusin", ({ target }) => {
      if (target.matches(".cell:focus-visible")) this.pin(target);
    });
    this.onHidden = () => document.hidden && this.roll(false);
    document.addEventListener("visibilitychange", this.onHidden);
    this.observer = new ResizeObserver(() => this.fit());
    this.observer.observe(root);
  }

  close() {
    clearTimeout(this.timer);
    clearTimeout(this.telling);
    this.observer.disconnect();
    document.removeEventListener("visibilitychange", this.onHidden);
  }

  // ---- What the reader does.

  press(event) {
    const { target, key } = event;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (target.matches("input") || (target.matches(".drawing") && /Left|Right/.test(key))) return;
    if (target.matches(".cell") && this.walk(target, key)) return event.preventDefault();
    const keys = { ArrowRight: "next", ArrowDown: "next", ArrowLeft: "previous", ArrowUp: "previous", Home: "first", End: "last" };
    if (keys[key]) this.go(this.moves[keys[key]]());
    else if (key === " " && !target.matches("button, summary")) this.roll(!this.playing);
    else if (key === "Escape" && this.pinned) {
      if (target.matches(".cell")) this.root.focus();
      this.pin(null);
    } else return;
    event.preventDefault();
  }

  // From cell to cell of one tensor.
  walk(cell, key) {
    const { cells, columns } = cell.of;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -cell.number, End: cells.length - 1 - cell.number }[key];
    if (by === undefined) return false;
    const next = cells[cell.number + by];
    if (next) {
      cell.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
      this.pin(next);
    }
    return true;
  }

  go(step) {
    this.roll(false);
    this.said.ariaLive = "polite";
    this.moved = true;
    this.to(step);
    this.tell();
  }

  to(step) {
    this.step = Math.max(0, Math.min(step, this.run.end));
    this.draw();
  }

  toLine(line) {
    const at = this.run.steps.flatMap(({ line: [first, last] }, index) => (first <= line && line <= last ? [index] : []));
    if (at.length) this.go(at.find((index) => index > this.step) ?? at[0]);
  }

  roll(playing) {
    clearTimeout(this.timer);
    if (playing === this.playing) return;
    this.playing = playing;
    this.root.classList.toggle("rolling", playing);
    if (playing) {
      this.moved = true;
      this.said.ariaLive = "off"; // a sentence a second is no news
      const slow = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const wait = 1000 / (slow ? SLOW_PER_SECOND : PER_SECOND);
      if (this.step === this.run.end) this.to(0);
      const tick = () => {
        this.to(this.step + 1);
        if (this.step < this.run.end) this.timer = setTimeout(tick, wait);
        else this.roll(false);
      };
      this.timer = setTimeout(tick, wait);
    } else this.tell();
    this.transport();
  }

  choose(which) {
    this.which = which;
    this.load();
    this.go(this.step);
  }

  // The address follows, once the reader rests; whatever else it says stays.
  tell() {
    clearTimeout(this.telling);
    if (this.data.address) this.telling = setTimeout(() => this.write(this.data.address, this.step + 1), TELL_MS);
  }

  write(address, step) {
    clearTimeout(this.telling);
    const url = new URL(window.location.href);
    if (step === null) url.searchParams.delete(address);
    else url.searchParams.set(address, step);
    if (url.href !== window.location.href) window.history.replaceState(window.history.state, "", url);
  }

  // ---- What Python sends.

  update(data) {
    const first = !this.data;
    const other = !first && data.title !== this.data.title;
    const text = JSON.stringify(data);
    if (text === this.text) return;
    this.text = text;
    this.data = data;
    const asked = data.address && new URLSearchParams(window.location.search).get(data.address);
    if (first && /^\d+$/.test(asked ?? "")) {
      this.moved = true;
      this.step = Number(asked) - 1;
    }
    if (other) {
      this.roll(false);
      this.moved = false;
      this.which = 0;
      this.write(data.address, null);
    }
    if (this.which >= data.runs.length) this.which = 0;
    if (!this.moved) this.step = data.start;
    this.root.ariaLabel = data.title;
    this.load();
    this.to(this.step);
  }

  load() {
    const { runs, parted } = this.data;
    const run = (this.run = new Run(runs[this.which]));
    this.pinned = null;
    this.known = new Map();
    this.listing();
    this.frames = run.frames.map((frame) => new Frame(this, run, frame));
    this.spots = [];
    for (const each of this.frames) (this.spots[each.frame.spot] ??= []).push(each);
    // In the order of the frames, each at the first that stands there.
    this.spots = [...new Set(this.frames.map(({ frame }) => this.spots[frame.spot]))].map((frames) => ({
      frames,
      held: frames[0].frame.held,
      local: frames[0].frame.local,
      root: frames.length > 1 ? element("div", { class: "stack" }, ...frames.map(({ root }) => root)) : frames[0].root,
    }));
    this.chips = new Map();
    const plain = new Map();
    run.states.forEach(({ plain: words }, index) => {
      for (const [name, text] of Object.entries(words)) {
        const known = plain.get(name) ?? { text: "", when: new Set() };
        plain.set(name, { text: longest([known.text, `${bare(name)} = ${text}`]), when: known.when.add(index) });
      }
    });
    this.plain.replaceChildren();
    const turns = []; // of what functions have for themselves
    for (const [name, { text, when }] of plain) {
      const chip = reserved("chip", text);
      this.chips.set(name, chip);
      if (bare(name) === name) this.plain.append(chip);
      else {
        let turn = turns.find(({ taken }) => ![...when].some((index) => taken.has(index)));
        if (!turn) turns.push((turn = { taken: new Set(), root: element("div", { class: "stack" }) }));
        for (const index of when) turn.taken.add(index);
        turn.root.append(chip);
      }
    }
    this.locals.querySelector(".plain").replaceChildren(...turns.map(({ root }) => root));
    // What is never there together stands in one spot: `self` while a module is made, then its name.
    const lanes = [];
    const when = new Map();
    run.states.forEach(({ things }, index) => {
      for (const [name, tree] of Object.entries(things)) {
        if (!when.has(name)) when.set(name, new Map());
        when.get(name).set(index, tree);
      }
    });
    this.boxes = new Map();
    for (const [name, steps] of when) {
      const kind = typeof run.trees[steps.values().next().value[0]][1];
      let lane = lanes.find((other) => other.kind === kind && ![...steps.keys()].some((index) => other.taken.has(index)));
      if (!lane) lanes.push((lane = { kind, taken: new Set(), root: element("div", { class: "stack" }) }));
      for (const index of steps.keys()) lane.taken.add(index);
      const box = { root: lane.root, parts: new Map() };
      const variants = new Map([...steps.values()].map((entry) => [String(entry), entry]));
      for (const entry of [...variants.values()].slice(0, MOST_VARIANTS)) this.box(box, name, entry);
      this.boxes.set(name, box);
    }
    this.things.replaceChildren(...lanes.map(({ root }) => root));
    this.drawings = run.graphs.map((graph, which) => {
      const tags = {};
      for (const { graph: now } of run.states) {
        for (const [, , names] of now.filter(([other]) => other === which)) {
          for (const [at, name] of Object.entries(names)) tags[at] = longest([tags[at] ?? "", bare(name)]);
        }
      }
      return new Graph(graph, tags);
    });
    this.graph.hidden = !this.drawings.length;
    this.rows = [];
    for (const { lane, height } of this.drawings) {
      const row = (this.rows[lane] ??= element("div", { class: "drawing" }));
      row.style.minHeight = `${Math.max(height, parseFloat(row.style.minHeight) || 0)}px`;
    }
    this.graph.replaceChildren(element("p", { class: "head" }, element("b", {}, "Autograd graph"), " arrows: the way of gradients; dashed: freed"), ...this.rows);
    const depth = Math.max(0, ...run.steps.map(({ turns }) => turns?.length ?? 0));
    this.loops = range(depth).map((level) => {
      const slide = element("input", { class: "turn", type: "range", min: "1", step: "1" });
      const words = element("span", {});
      slide.oninput = () => this.toTurn(level, slide.valueAsNumber);
      return { slide, words, root: element("label", { class: "scrub" }, words, slide) };
    });
    this.turns.replaceChildren(...this.loops.map(({ root }) => root));
    this.runs.hidden = runs.length < 2;
    const names = ["✗ The line people write", "✓ The line that does it"];
    this.runs.replaceChildren(...names.map((name, index) => {
      const button = element("button", { type: "button", "aria-pressed": String(index === this.which) }, name);
      button.onclick = () => this.choose(index);
      return button;
    }));
    if (parted) {
      const told = (lead, steps, words) => {
        const at = steps[this.which];
        const link = element("button", { type: "button", class: "link" }, `line ${run.steps[at].line[0]}`);
        link.onclick = () => this.go(at);
        return element("span", { class: "part" }, lead, link, ": ", ...spoken(sign(words)));
      };
      this.runs.append(told("They part at ", parted.steps, parted.words));
      if (parted.shown) this.runs.append(told("One sees it at ", parted.shown, parted.seen));
    }
    this.range.max = run.end;
    this.range.previousElementSibling.style.minWidth = `${2 * String(run.end + 1).length + 0.5}ch`;
    const arrows = this.frames.some(({ root }) => [...root.querySelectorAll(".stride")].some(({ textContent }) => textContent.includes("↓")));
    const steps = arrows ? " ↓ and →: how many cells further the next row and the next column lie." : "";
    this.key.textContent = run.placed
      ? `One colour a storage; the shade is the place in it, faint first.${steps}`
      : "Shade: size of the value; blue below 0, orange above.";
    this.key.hidden = !run.frames.length;
    this.fit();
  }

  listing() {
    const { run } = this;
    const said = new Map();
    run.steps.forEach((step) => {
      const found = this.outputs(step);
      if (!said.has(step.line[1])) said.set(step.line[1], {});
      const line = said.get(step.line[1]);
      for (const [kind, text] of found) line[kind] = longest([line[kind] ?? "", text]);
    });
    const parted = this.data.parted && run.steps[this.data.parted.steps[this.which]].line[0];
    this.lines = run.lines.map((text, index) => {
      const line = index + 1;
      const indent = text.match(/^ */)[0].length;
      const source = element("span", { class: "source" });
      source.style.setProperty("--indent", `${indent}ch`);
      let at = indent;
      for (const found of text.matchAll(WORDS)) {
        const kind = KINDS[found.findIndex((part, i) => i && part !== undefined)];
        source.append(text.slice(at, found.index), element("span", { class: kind }, found[0]));
        at = found.index + found[0].length;
      }
      source.append(text.slice(at));
      const body = element("span", { class: "body" }, source);
      const item = element("li", { "data-line": line }, element("span", { class: "line-number" }, String(line)), body);
      item.classList.toggle("differs", Boolean(run.differs?.includes(line)));
      item.classList.toggle("parts", parted === line);
      item.outputs = {};
      for (const [kind, words] of Object.entries(said.get(line) ?? {})) {
        item.outputs[kind] = reserved(kind, words);
        body.append(item.outputs[kind]);
      }
      return item;
    });
    this.code.replaceChildren(...this.lines);
    const wide = Math.max(...run.lines.map(({ length }) => length));
    const told = Math.max(0, ...[...said.values()].flatMap((line) => Object.values(line)).map(({ length }) => length));
    this.root.style.setProperty("--code", `${Math.max(wide, Math.min(told, WIDE_ENOUGH))}ch`);
    this.reached = null;
  }

  outputs({ value, out, warned, error }) {
    const found = [];
    if (value) found.push(["value", `→ ${value}`]);
    if (out) found.push(["printed", out.trimEnd()]);
    if (warned) found.push(["warning", `⚠ ${warned.join("\n⚠ ")}`]);
    if (error) found.push(["error", `✗ ${error[0]}: ${error[1]}`]);
    return found;
  }

  toTurn(level, number) {
    const { steps } = this.run;
    const now = steps[this.step];
    const outer = (now.turns ?? []).slice(0, level).map(String).join(";");
    const [loop] = now.turns[level];
    const inside = steps.flatMap(({ turns = [], line }, index) =>
      turns[level]?.[0] === loop && turns[level][1] === number && turns.slice(0, level).map(String).join(";") === outer ? [[index, line[0]]] : []);
    const same = inside.find(([, line]) => line === now.line[0]) ?? inside[0];
    if (same) this.go(same[0]);
  }

  // ---- What follows from both.

  hue(storage) {
    return HUES[(this.run.hues[storage] ?? 7) % HUES.length];
  }

  // Where in its storage each cell of a tensor lies, in reading order.
  positions(fact) {
    if (!this.known.has(fact)) {
      const { shape, stride, offset = 0 } = this.run.facts[fact];
      let cells = product(shape) <= 256 ? [offset] : [];
      shape.forEach((size, d) => (cells = cells.flatMap((cell) => range(size).map((i) => cell + i * (stride[d] ?? 0)))));
      this.known.set(fact, cells);
    }
    return this.known.get(fact);
  }

  // A shade is the place in the storage where tensors share one, and the value elsewhere.
  shade(frame, fact) {
    const { storage, shape } = this.run.facts[fact];
    if (frame.shared || (this.run.placed && product(shape) < MANY)) {
      const hue = this.hue(storage);
      const cells = this.run.states[this.step].memory[storage]?.length ?? product(shape);
      return (value, at) => [hue, cells > 1 ? Math.round(6 + (46 * at) / (cells - 1)) : 16];
    }
    const most = this.run.most[storage] || 1;
    return (value) => {
      const size = Math.min(1, Math.abs(Number(value)) / most);
      const much = value === 0 ? 0 : Number.isFinite(size) ? Math.round(5 + 43 * size ** 0.7) : 55;
      return [value < 0 ? BELOW : ABOVE, much];
    };
  }

  transport() {
    const { step, run, playing } = this;
    this.range.value = step;
    this.range.previousElementSibling.textContent = `${step + 1}/${run.end + 1}`;
    this.range.ariaValueText = `Step ${step + 1} of ${run.end + 1}, line ${run.steps[step].line[0]}`;
    this.play.ariaLabel = this.play.lastElementChild.textContent = playing ? "Pause" : "Play";
    this.buttons.previous.ariaDisabled = String(step === 0);
    this.buttons.next.ariaDisabled = String(step === run.end);
    Object.assign(this.root.dataset, { step, playing, of: run.end, run: this.which });
  }

  draw() {
    const { run } = this;
    const state = run.states[this.step];
    const { step } = state;
    this.transport();
    this.drawCode(step);
    this.drawTurns(step);
    for (const frame of this.frames) frame.draw(state, this);
    for (const [name, chip] of this.chips) {
      chip.say(name in state.plain ? `${bare(name)} = ${state.plain[name]}` : "");
      chip.classList.toggle("now", name in state.plain);
      chip.classList.toggle("fresh", Boolean(step.plain && name in step.plain));
    }
    for (const [name, box] of this.boxes) {
      const entry = state.things[name];
      if (entry && !box.parts.has(String(entry))) this.box(box, name, entry);
      for (const [other, part] of box.parts) part.classList.toggle("now", other === String(entry));
    }
    this.drawGraph(state);
    this.tellOf(step, this.said);
    const shown = Object.values(state.cards).map(([names, fact]) => `${names[0]} ${tuple(run.facts[fact].shape)}`);
    this.right.ariaLabel = `After line ${step.line[1]}: ${shown.join(", ") || "no tensor"}`;
    if (this.pinned && (!this.pinned.isConnected || this.pinned.closest(".absent") || !this.pinned.of.name)) this.pinned = null;
    this.ask(this.pinned);
    this.scroll();
  }

  box({ root, parts }, name, [tree, ...others]) {
    const part = thing(name, others, this.run.trees[tree]);
    parts.set(String([tree, ...others]), part);
    root.append(part);
  }

  // What the statement changed, and the words that go with its line.
  tellOf(step, said) {
    const [say, remark] = said.children;
    const where = step.in ? [element("span", { class: "mode" }, `in ${step.in}`), " "] : [];
    const mode = step.no_grad ? [" ", element("span", { class: "mode" }, "grad mode off")] : [];
    say.replaceChildren(...where, ...spoken(step.say ?? ""), ...mode);
    remark.replaceChildren(...spoken(this.remark(step)));
  }

  remark({ line: [first, last] }) {
    return range(last - first + 1).map((at) => this.run.notes[first + at] ?? "").filter(Boolean).join(" ");
  }

  drawCode(step) {
    const { run } = this;
    const spoken = {};
    const reached = new Set();
    for (const { line: [first, last], ...other } of run.steps.slice(0, this.step + 1)) {
      for (let line = first; line <= last; line++) reached.add(line);
      const found = this.outputs(other);
      if (found.length) spoken[last] = { ...spoken[last], ...Object.fromEntries(found) };
    }
    // What only leads in a block is no statement of its own.
    for (let line = run.lines.length - 1; line > 0; line--) {
      if (/:\s*(#.*)?$/.test(run.lines[line - 1]) && reached.has(line + 1)) reached.add(line);
    }
    this.lines.forEach((item, index) => {
      const line = index + 1;
      const now = step.line[0] <= line && line <= step.line[1];
      item.classList.toggle("now", now);
      item.classList.toggle("stop", now && Boolean(step.error));
      item.classList.toggle("todo", !reached.has(line));
      if (now) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
      for (const [kind, output] of Object.entries(item.outputs)) output.say(spoken[line]?.[kind] ?? "");
    });
  }

  // Long code scrolls by itself, so that the line is in its midst.
  scroll() {
    const { code } = this;
    if (code.scrollHeight <= code.clientHeight + 1) return;
    const line = this.lines[this.run.steps[this.step].line[0] - 1];
    code.scrollTop = line.offsetTop - code.offsetTop - code.clientHeight / 2 + 20;
  }

  drawTurns({ turns = [] }) {
    this.loops.forEach(({ slide, words, root }, level) => {
      const turn = turns[level];
      root.classList.toggle("absent", !turn);
      if (!turn) return;
      const [line, number] = turn;
      const outer = turns.slice(0, level).map(String).join(";");
      const last = Math.max(...this.run.steps.flatMap(({ turns: others = [] }) =>
        others[level]?.[0] === line && others.slice(0, level).map(String).join(";") === outer ? [others[level][1]] : []));
      slide.max = last;
      slide.value = number;
      slide.ariaLabel = `Turn of the loop at line ${line}`;
      slide.ariaValueText = `Turn ${number} of ${last}`;
      words.textContent = `Line ${line}: turn ${number}/${last}`;
    });
  }

  drawGraph({ graph, cards }) {
    if (!this.drawings.length) return;
    this.graph.classList.toggle("absent", !graph.length);
    const graded = new Set(Object.values(cards).flatMap(([names, , , hung]) => (hung.some(([name]) => name === ".grad") ? names : [])));
    const used = new Set();
    for (const [which, signs, tags] of graph) {
      const drawing = this.drawings[which];
      const row = this.rows[drawing.lane];
      used.add(row);
      if (row.firstElementChild !== drawing.root) row.replaceChildren(drawing.root);
      drawing.draw(signs, tags, graded);
    }
    for (const row of this.rows) row.classList.toggle("absent", !used.has(row));
    this.toEnds();
  }

  // What was made last stands to the right; the keyboard gets to the rest.
  toEnds() {
    for (const row of this.rows) {
      const scrolls = row.scrollWidth > row.clientWidth;
      if (!scrolls) row.removeAttribute("tabindex");
      else {
        row.setAttribute("tabindex", "0");
        row.scrollLeft = row.scrollWidth;
      }
    }
  }

  // ---- A cell: where it lies, who else sees it, what made it.

  pin(cell) {
    this.pinned = cell;
    this.ask(cell);
  }

  ask(cell) {
    for (const other of this.marked ?? []) other.classList.remove("same", "at", "origin");
    this.marked = [];
    if (!cell || !cell.of?.name) {
      const hint = this.narrow ? "Tap a cell: where it lies in memory, and who else sees it." : "Point at a cell: where it lies in memory, and who else sees it. Arrow keys step, space plays.";
      return this.tellOfCell(element("span", { class: "hint" }, hint));
    }
    const { of, at, number, value } = cell;
    const { storage } = of;
    const shared = [];
    if (storage) {
      for (const other of this.right.querySelectorAll(".cell")) {
        if (other.at !== at || other.of.storage !== storage || other.closest(".absent, .stack > :not(.now)")) continue;
        other.classList.add("same");
        this.marked.push(other);
        if (other !== cell && !other.of.whole) shared.push(`${other.of.name}[${other.of.index(other.number).join(", ")}]`);
      }
    }
    cell.classList.add("at");
    this.marked.push(cell);
    const code = (text) => element("code", {}, text);
    const lines = [];
    if (of.whole) lines.push(element("span", {}, `Cell ${at} of storage ${storage} holds `, code(full(value)), "."));
    else {
      const index = of.shape.length ? of.index(number) : [];
      lines.push(element("span", {}, code(`${of.name}${index.length ? `[${index.join(", ")}]` : ""} = ${full(value)}`)));
      if (storage && index.length) {
        const { stride, offset = 0 } = of.fact === undefined ? { stride: [1] } : this.run.facts[of.fact];
        const sum = [String(offset), ...index.map((i, d) => `${i}·${stride[d]}`)].join(" + ");
        lines.push(element("span", {}, `cell ${at} of storage ${storage}: `, code(`${at} = ${sign(sum)}`), " (offset + index · stride)"));
      }
    }
    if (shared.length) lines.push(element("span", {}, "also ", code(shared.slice(0, 6).join(", ")), shared.length > 6 ? ` and ${shared.length - 6} more` : ""));
    const made = this.run.states[this.step].made[storage]?.[at];
    if (made) lines.push(this.origins(made));
    this.tellOfCell(...lines);
  }

  // A reader who listens hears only what is new.
  tellOfCell(...lines) {
    const now = element("p", {}, ...lines);
    if (now.innerHTML !== this.look.innerHTML) this.look.replaceChildren(...lines);
  }

  // The cells that made one, as the line that wrote it found them.
  origins([line, count, ...found]) {
    if (!count) return element("span", {}, `made by line ${line}, of no other cell`);
    const words = found.map(([name, index, weight]) => {
      for (const other of this.right.querySelectorAll(".cell")) {
        if (other.of.name !== name || other.of.index(other.number).join() !== index.join() || other.closest(".absent, .stack > :not(.now)")) continue;
        other.classList.add("origin");
        this.marked.push(other);
      }
      const path = `${name}${index.length ? `[${index.join(", ")}]` : ""}`;
      return weight === 1 ? path : `${path} · ${weight === null ? "?" : full(weight)}`;
    });
    const more = count > found.length ? ` and ${count - found.length} more` : "";
    const note = found.some(([, , weight]) => weight !== 1) ? " (after · the derivative)" : "";
    return element("span", {}, `made by line ${line} of `, element("code", {}, words.join(", ")), more, note);
  }

  // ---- Room.

  // A long wall folds.
  fold(spots) {
    const top = this.memory.getBoundingClientRect().top;
    const most = this.narrow ? TALL.narrow : TALL.wide;
    const open = spots.findIndex(({ root }, index) => index > 1 && root.getBoundingClientRect().bottom - top > most);
    const rest = open < 0 ? [] : spots.slice(open);
    for (const list of [this.memory, this.held]) list.hidden = !list.childElementCount;
    this.more.hidden = rest.length === 0;
    const names = rest.flatMap(({ frames }) => frames).flatMap(({ frame, cards }) => [...frame.flat, ...frame.lanes.map((lane) => lane.at(-1))].map((place) => cards.get(place).last));
    this.more.firstElementChild.textContent = `${rest.length} more: ${names.slice(0, 4).join(", ")}${names.length > 4 ? ", …" : ""}`;
    this.folded.replaceChildren(...rest.map(({ root }) => root));
  }

  fit() {
    if (!this.run || !this.root.clientWidth) return;
    const room = this.right.clientWidth - 28;
    if (room === this.room && this.run === this.fitted) return;
    [this.room, this.fitted] = [room, this.run];
    this.narrow = this.root.clientWidth < 620;
    if (!this.pinned) this.ask(null);
    const local = this.spots.filter((spot) => spot.local);
    const others = this.spots.filter((spot) => !spot.local);
    const held = others.filter((spot) => spot.held);
    for (const list of [this.memory, this.held]) list.hidden = false;
    const stand = (list, spots) => list.replaceChildren(...spots.map(({ root }) => root));
    // What functions have for themselves is seldom there: below all else, unless that is too far.
    const far = held.length > 0;
    stand(this.memory, [...others.filter((spot) => !spot.held), ...(far ? local : [])]);
    stand(this.held, held);
    const below = this.locals.querySelector(".memory");
    stand(below, far ? [] : local);
    below.hidden = !below.childElementCount;
    for (const frame of this.frames) frame.fit(room);
    this.toEnds();
    this.fold(far ? [...others.filter((spot) => !spot.held), ...local, ...held] : others);
    if (this.code.scrollHeight > this.code.clientHeight + 1) this.code.setAttribute("tabindex", "0");
    else this.code.removeAttribute("tabindex");
    // Sentences keep the place of the longest.
    const probe = element("div", { class: "said probe", "aria-hidden": "true" }, element("p", {}), element("p", {}));
    this.said.before(probe);
    let most = 0;
    const letters = (step) => (step.say ?? "").length + (step.in ?? "").length + this.remark(step).length;
    for (const step of [...this.run.steps].sort((a, b) => letters(b) - letters(a)).slice(0, 5)) {
      this.tellOf(step, probe);
      most = Math.max(most, Math.ceil(probe.getBoundingClientRect().height));
    }
    probe.remove();
    this.said.style.minHeight = `${most}px`;
  }
}
