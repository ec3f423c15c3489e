// The loupe: two pictures whose pixels are linked by weights. It shows one pixel at a time: the
// pixels it is linked to are ringed on the other picture, and the sum is written out below.
//
// A canvas holds each picture, one canvas pixel per picture pixel, and CSS enlarges it: sharp at
// any zoom. An SVG in picture coordinates lies on top: x is the column, y the row, one per pixel.
//
// numbers.js extends the class. Python adds the line that exports one or the other, mounted.

const SHOWN = 6; // terms before the fold
const MOST_RINGS = 64;
const WEAK = 1e-4; // of the strongest link: rounding, no source to look at
const SPEAK_AFTER_MS = 250; // a screen reader need not hear every pixel on the way
const CIRCLE = "M1 0A1 1 0 0 1-1 0A1 1 0 0 1 1 0Z";
const DIAMOND = "M1.25 0L0 1.25L-1.25 0L0-1.25Z"; // as large as the circle

class Loupe {
  constructor(root) {
    for (const part of ["pictures", "beam", "legend", "pin", "reading", "sum", "values", "live"]) {
      this[part] = root.querySelector(`.${part}`);
    }
    this.root = root;
    this.chosen = null; // {side, row, column}
    this.pinned = false;
    this.touched = false; // until then the pixel shown is a preview
    this.unfolded = false;
    this.by = "area"; // how a ring shows its weight
    this.most = SHOWN + 1; // a fold that would hide a single term is not worth it
    for (const id of ["in", "out"]) {
      const figure = root.querySelector(`[data-side="${id}"]`);
      const part = (selector) => figure.querySelector(selector);
      this[id] = {
        id, caption: part("figcaption"), face: part(".face"), svg: part("svg"),
        sheet: part(".sheet"), rows: part(".rows"), columns: part(".columns"),
      };
      this.listen(this[id]);
    }
    this.pin.onclick = () => this.hold(!this.pinned);
    root.onkeydown = (event) => {
      if (event.key === "Escape" && this.pinned) {
        event.stopPropagation();
        this.hold(false);
      }
    };
    // A term under the pointer lights its ring.
    this.reading.onpointerover = (event) => this.light(event.target.closest("[data-pixel]"));
    this.reading.onpointerleave = () => this.light(null);
    // Layout is read when the browser has just made it, never in the middle of a redraw.
    this.observer = new ResizeObserver(() => {
      this.measure();
      // The text's height only grows, lest the page below jump from pixel to pixel.
      const { offsetWidth, offsetHeight, style } = this.reading;
      style.minHeight = offsetWidth === this.width ? `${offsetHeight}px` : "";
      this.width = offsetWidth;
    });
    for (const part of [this.in.sheet, this.out.sheet, this.reading]) this.observer.observe(part);
  }

  measure() {
    const base = this.pictures.getBoundingClientRect();
    for (const side of [this.in, this.out]) {
      const box = side.face.getBoundingClientRect();
      side.box = [box.left - base.left, box.top - base.top, box.width, box.height];
    }
    this.aim();
  }

  close() {
    this.observer.disconnect();
    clearTimeout(this.timer);
  }

  // ---- What the reader does.

  listen(side) {
    const { face } = side;
    face.onpointermove = (event) => {
      // A finger that moves is scrolling.
      if (event.pointerType !== "touch" && !this.pinned) this.choose(under(event, side));
    };
    face.onclick = (event) => {
      const pixel = under(event, side);
      const again = this.pinned && same(pixel, this.chosen);
      this.choose(pixel);
      this.hold(!again);
    };
    face.onfocus = () => {
      if (!this.pinned && this.touched && face.matches(":focus-visible")) this.enter(side);
    };
    face.onkeydown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const [rows, columns] = side.shape;
      const step = {
        ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
        Home: [0, -columns], End: [0, columns], PageUp: [-rows, 0], PageDown: [rows, 0],
      }[event.key];
      if (step) {
        this.enter(side);
        const row = clamp(this.chosen.row + step[0], rows);
        this.choose({ side: side.id, row, column: clamp(this.chosen.column + step[1], columns) });
      } else if (event.key === "Enter" || event.key === " ") {
        if (!event.repeat) this.hold(!this.pinned);
      } else return;
      event.preventDefault();
    };
  }

  // Bring the choice to this side: to the strongest link, so that the eye can follow.
  enter(side) {
    if (this.chosen.side === side.id) return;
    const { row, column } = this.links()[0] ?? { row: 0, column: 0 };
    this.choose({ side: side.id, row, column });
  }

  choose(pixel) {
    this.touched = true;
    if (same(pixel, this.chosen)) return;
    this.root.classList.remove("still");
    this.chosen = pixel;
    this.draw();
  }

  hold(pinned) {
    this.touched = true;
    this.pinned = pinned;
    this.draw();
  }

  // ---- What Python sends.

  update(data) {
    const before = this.data;
    this.data = data;
    this.indices = new Int16Array(bytes(data.indices));
    this.weights = new Float32Array(bytes(data.weights));
    this.remainder = new Float32Array(bytes(data.remainder));
    this.strongest = this.weights.reduce((most, w) => Math.max(most, Math.abs(w)), 0) || 1;
    Object.assign(this.in, data.in, { pixels: new Float32Array(bytes(data.in.pixels)) });
    Object.assign(this.out, data.out, { pixels: new Float32Array(bytes(data.out.pixels)) });
    const form = (sent) => String([sent?.in.shape, sent?.out.shape, sent?.editable]);
    const fresh = form(before) !== form(data);
    // With new data every ring changes at once: nothing to follow, so nothing moves.
    this.root.classList.add("still");
    for (const side of [this.in, this.out]) {
      if (fresh) this.lay(side);
      this.paint(side);
    }
    const words = (sent) => String([sent?.alt, sent?.in.title, sent?.out.title, sent?.size]);
    if (fresh || words(before) !== words(data)) this.name();
    this.explain();
    const start = { side: "out", row: data.start[0], column: data.start[1] };
    const asked = data.start_given && String(before?.start) !== String(data.start);
    if (fresh) this.pinned = this.touched = false;
    if (fresh || (asked && !this.pinned)) this.chosen = start;
    else if (!this.touched && !this.links().length) this.chosen = start;
    this.draw();
    if (this.touched) this.speak(0);
  }

  // Headings, labels and size.
  name() {
    for (const side of [this.in, this.out]) {
      const [rows, columns] = side.shape;
      side.caption.replaceChildren(side.title, element("span", {}, `${rows} × ${columns}`));
      const alt = side === this.out ? `${this.data.alt} ` : "";
      side.face.ariaLabel = `${alt}${side.title}, ${rows} rows by ${columns} columns.`;
      side.sheet.style.aspectRatio = `${columns} / ${rows}`;
      side.sheet.style.maxWidth = `${this.data.size * Math.min(1, columns / rows)}px`;
    }
    this.root.style.setProperty("--size", `${this.data.size}px`);
  }

  paint({ face: canvas, pixels, range: [low, high], shape: [rows, columns] }) {
    if (canvas.width !== columns) canvas.width = columns;
    if (canvas.height !== rows) canvas.height = rows;
    const image = new ImageData(columns, rows);
    pixels.forEach((value, i) => {
      const grey = lightness((value - low) / (high - low));
      image.data.set([grey, grey, grey, 255], 4 * i);
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  // Grid, empty layers, and row and column numbers of one picture.
  lay(side) {
    const { svg, shape: [rows, columns] } = side;
    let grid = "";
    for (let x = 1; x < columns; x++) grid += `M${x} 0V${rows}`;
    for (let y = 1; y < rows; y++) grid += `M0 ${y}H${columns}`;
    side.rings = new Map();
    side.ringed = shape("g", { class: "rings" });
    side.mark = shape("g", { class: "mark" }, ...["halo", "line"].flatMap((layer) => [
      shape("path", { class: layer, d: "M0 0h1v1h-1z" }),
      shape("path", { class: `${layer} ticks`, d: "M.5-.1v-.7M.5 1.1v.7M-.1.5h-.7M1.1.5h.7" }),
    ]));
    svg.setAttribute("viewBox", `0 0 ${columns} ${rows}`);
    svg.replaceChildren(shape("path", { class: "grid", d: grid }), side.ringed, side.mark);
    this.count(side, 5);
  }

  // Row and column numbers along the edges, about `most` of each.
  count(side, most) {
    const [rows, columns] = side.shape;
    for (const [axis, count, edge] of [["rows", rows, "top"], ["columns", columns, "left"]]) {
      const step = [1, 2, 4].find((s) => count / s <= most) ?? 8;
      side[axis].replaceChildren();
      for (let i = 0; i < count; i += step) {
        const label = element("span", {}, i);
        label.style[edge] = `${((i + 0.5) / count) * 100}%`;
        side[axis].append(label);
      }
    }
  }

  explain() {
    const parts = [];
    const alike = String(this.in.range) === String(this.out.range);
    for (const { title, range: [low, high] } of alike ? [this.in] : [this.in, this.out]) {
      const ramp = element("i", { class: "ramp" });
      parts.push(element("span", {}, alike ? "" : `${title} `, short(low), ramp, short(high)));
    }
    const key = (sign, text) =>
      parts.push(element("span", {}, element("i", { class: `ring ${sign}` }), text));
    if (this.weights.some((w) => w > 0)) key("positive", `weight, by ${this.by}`);
    if (this.weights.some((w) => w < 0)) key("negative", `negative weight, by ${this.by}`);
    const legend = parts.map((part) => part.outerHTML).join("");
    if (this.legend.innerHTML !== legend) this.legend.replaceChildren(...parts);
  }

  // ---- What follows from both.

  // The pixels linked to the chosen one, strongest first: its sources, or the outputs that use it.
  links() {
    const found = this.everyLink();
    const least = WEAK * Math.abs(found[0]?.weight ?? 0);
    return found.filter(({ weight }) => Math.abs(weight) >= least);
  }

  // Those, and the ones that only rounding links to it.
  everyLink() {
    const { chosen: { side, row, column }, data: { k }, indices, weights } = this;
    const [here, there] = side === "out" ? [this.out, this.in] : [this.in, this.out];
    const pixel = row * here.shape[1] + column;
    const found = [];
    const add = (i, slot) => found.push({
      row: Math.floor(i / there.shape[1]), column: i % there.shape[1],
      weight: weights[slot], value: there.pixels[i], product: weights[slot] * there.pixels[i],
    });
    if (side === "out") {
      for (let s = pixel * k; s < (pixel + 1) * k && indices[s] >= 0; s++) add(indices[s], s);
    } else {
      indices.forEach((i, s) => i === pixel && add(Math.floor(s / k), s));
      found.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
    }
    return found;
  }

  draw() {
    const start = performance.now();
    const { side, row, column } = this.chosen;
    const [here, there] = side === "out" ? [this.out, this.in] : [this.in, this.out];
    const links = this.links();
    this.show(here, there, links);
    const name = `${here.name}[${row},${column}]`;
    const value = here.pixels[row * here.shape[1] + column];
    this.sum.style.setProperty("--name", name.length);
    this.values.style.setProperty("--name", name.length);
    if (side === "out") this.writeSum(name, value, links);
    else this.writeUses(name, value, links);
    const { pinned, touched } = this;
    Object.assign(this.root.dataset, { side, row, column, pinned, preview: !touched });
    this.pin.textContent = pinned ? "Let go" : "Pin";
    this.pin.ariaPressed = String(pinned);
    if (touched) this.speak(SPEAK_AFTER_MS); // at first nobody has asked
    const end = performance.now();
    this.root.dataset.redrawMs = (end - start).toFixed(2);
    const measure = `${this.root.dataset.testid}-redraw`;
    performance.clearMeasures(measure);
    performance.measure(measure, { start, end });
  }

  show(here, there, links) {
    const { row, column } = this.chosen;
    this.ring(here, []);
    this.ring(there, links.slice(0, MOST_RINGS));
    there.mark.style.display = "none";
    here.mark.style.display = "";
    here.mark.setAttribute("transform", `translate(${column} ${row})`);
    this.aim(links);
  }

  ring(side, links) {
    const gone = new Map(side.rings);
    for (const { row, column, weight } of links) {
      const pixel = `${row},${column}`;
      if (!side.rings.has(pixel)) {
        const group = shape("g", { transform: `translate(${column + 0.5} ${row + 0.5})` },
          shape("path", { class: "halo" }), shape("path", { class: "line" }));
        side.ringed.append(group);
        side.rings.set(pixel, group);
      }
      gone.delete(pixel);
      const group = side.rings.get(pixel);
      const sign = weight < 0 ? "negative" : "positive";
      if (group.getAttribute("class") !== sign) group.setAttribute("class", sign);
      const radius = Math.max(0.03, 0.45 * Math.sqrt(Math.abs(weight) / this.strongest));
      for (const path of group.children) {
        const outline = weight < 0 ? DIAMOND : CIRCLE;
        if (path.getAttribute("d") !== outline) path.setAttribute("d", outline);
        path.style.transform = `scale(${radius.toFixed(3)})`;
      }
    }
    for (const [pixel, group] of gone) {
      group.remove();
      side.rings.delete(pixel);
    }
  }

  // Draw the lines from the pixel to the block of pixels it is linked to.
  aim(links = this.links()) {
    const { side, row, column } = this.chosen;
    const [here, there] = side === "out" ? [this.out, this.in] : [this.in, this.out];
    if (!here.box || !links.length) return this.beam.setAttribute("d", "");
    const block = ({ box: [left, top, width, height], shape }, pixels) => {
      const x = pixels.map((p) => left + (p.column / shape[1]) * width);
      const y = pixels.map((p) => top + (p.row / shape[0]) * height);
      const [right, bottom] = [Math.max(...x) + width / shape[1], Math.max(...y) + height / shape[0]];
      return [Math.min(...x), Math.min(...y), right, bottom].map((edge) => edge.toFixed(1));
    };
    const one = block(here, [{ row, column }]);
    const many = block(there, links);
    const [[l, t, r, b], [L, T, R, B]] = side === "out" ? [many, one] : [one, many];
    const beam = this.in.box[0] < this.out.box[0]
      ? `M${r} ${t}L${L} ${T}M${r} ${b}L${L} ${B}` // the input on the left
      : `M${l} ${b}L${L} ${T}M${r} ${b}L${R} ${T}`; // or above
    this.beam.setAttribute("d", `${beam}M${many[0]} ${many[1]}H${many[2]}V${many[3]}H${many[0]}Z`);
  }

  light(term) {
    for (const { ringed, rings } of [this.in, this.out]) {
      ringed.classList.toggle("dim", Boolean(term));
      for (const [pixel, group] of rings) {
        group.classList.toggle("lit", pixel === term?.dataset.pixel);
      }
    }
  }

  // out[7,8] = 0.396·in[7,8] + 0.300·in[7,9] + 10 more (0.021) = 0.512
  writeSum(name, value, links) {
    const { row, column } = this.chosen;
    const left = this.remainder[row * this.out.shape[1] + column];
    const result = element("strong", { class: "term" }, `= ${this.amount(value)}`);
    if (!links.length && !left) {
      this.sum.replaceChildren(`${name} `, result);
      this.values.replaceChildren(this.data.empty_text);
      return;
    }
    const [terms, folded] = this.fold(links);
    const sum = [];
    const values = [];
    const add = (link, i) => {
      const sign = link.weight < 0 ? "− ".slice(0, i ? 2 : 1) : i ? "+ " : "";
      const weight = sign + this.factor(Math.abs(link.weight));
      sum.push(term(link, `${weight}·${this.in.name}[${link.row},${link.column}]`), " ");
      values.push(term(link, `${weight}·${this.inner(link.value)}`), " ");
    };
    const addRest = (label, rest) => {
      sum.push(element("span", { class: "term" }, "+ ", label, ` (${this.amount(rest)})`), " ");
      values.push(element("span", { class: "term" }, `+ ${this.inner(rest)}`), " ");
    };
    const total = (products) => products.reduce((all, { product }) => all + product, 0);
    terms.forEach(add);
    if (folded.length) addRest(this.folder(`${folded.length} more`), total(folded));
    else if (links.length > this.most) sum.push(this.folder("fewer"), " ");
    const weak = this.everyLink().slice(links.length);
    if (weak.length) {
      const count = weak.length === 1 ? "1 weight" : `${weak.length} weights`;
      const bound = 10 ** (Math.floor(Math.log10(Math.abs(weak[0].weight))) + 1);
      const words = `+ ${count} below ${bound.toExponential(0).replaceAll("-", "−")}`;
      sum.push(element("span", { class: "term" }, words), " ");
    }
    // What the weights do not explain: those left out, or a constant.
    const gap = value - total(links);
    const size = links.reduce((all, link) => all + Math.abs(link.product), Math.abs(value));
    if (left || Math.abs(gap) > 1e-6 + 5e-4 * size) addRest(left ? "rest" : "constant", gap);
    if (left) values.push(`(rest: weights left out, ${this.factor(left)} together)`);
    this.sum.replaceChildren(`${name} = `, ...sum, result);
    this.values.replaceChildren("= ", ...values);
  }

  // in[7,8] = 0.830 goes into 2 pixels: out[6,8] × 0.396, out[7,8] × 0.300
  writeUses(name, value, links) {
    const [terms, folded] = this.fold(links);
    const uses = terms.flatMap((link, i) => {
      const comma = i < links.length - 1 ? "," : "";
      const where = `${this.out.name}[${link.row},${link.column}]`;
      return [" ", term(link, `${where} × ${this.factor(link.weight)}${comma}`)];
    });
    if (folded.length) uses.push(" ", this.folder(`${folded.length} more`));
    else if (links.length > this.most) uses.push(" ", this.folder("fewer"));
    const cells = links.length === 1 ? this.data.noun : `${this.data.noun}s`;
    const count = `goes into ${links.length || "no"} ${cells}`;
    const total = element("strong", { class: "term" }, this.amount(value));
    this.sum.replaceChildren(`${name} = `, total, ` ${count}${links.length ? ":" : ""}`, ...uses);
    const some = this.remainder.some(Boolean);
    this.values.replaceChildren(some ? "Weights too weak to be kept are not counted." : "");
  }

  fold(links) {
    const all = this.unfolded || links.length <= this.most;
    return all ? [links, []] : [links.slice(0, SHOWN), links.slice(SHOWN)];
  }

  // How a value and a weight are written.
  amount(value) {
    return number(value);
  }

  factor(weight) {
    return number(weight);
  }

  inner(value) {
    return value < 0 ? `(${this.amount(value)})` : this.amount(value);
  }

  folder(text) {
    const button = element("button", { type: "button", class: "fold" }, text);
    button.ariaExpanded = String(this.unfolded);
    button.onclick = () => {
      this.unfolded = !this.unfolded;
      this.draw();
      this.sum.querySelector(".fold")?.focus();
    };
    return button;
  }

  speak(after) {
    clearTimeout(this.timer);
    this.timer = after && setTimeout(() => this.speak(0), after);
    if (after) return;
    const { chosen, pinned, sum, values } = this;
    const aside = chosen.side === "out" && !this.links().length ? `: ${values.textContent}` : "";
    const words = { "·": " times ", "×": "times", "−": "minus " };
    const text = (sum.textContent + aside).replace(/[·×−]/g, (symbol) => words[symbol]);
    const places = text.replace(/\[(\d+),(\d+)\]/g, " row $1 column $2");
    this.live.textContent = places + (pinned ? ", pinned" : "");
  }
}

// The pixel under the pointer. Fractions of its face hold at any zoom, width and density.
function under(event, { id, face, shape: [rows, columns] }) {
  const box = face.getBoundingClientRect();
  return {
    side: id,
    row: clamp(Math.floor(((event.clientY - box.top) / box.height) * rows), rows),
    column: clamp(Math.floor(((event.clientX - box.left) / box.width) * columns), columns),
  };
}

function same(a, b) {
  return a.side === b.side && a.row === b.row && a.column === b.column;
}

function clamp(index, count) {
  return Math.min(Math.max(index, 0), count - 1);
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;
}

// The sRGB grey of lightness L* = 100 t: equal steps of t look equal.
function lightness(t) {
  const L = 100 * Math.min(Math.max(t, 0), 1);
  const Y = L > 8 ? ((L + 16) / 116) ** 3 : L / 903.3;
  return Math.round(255 * (Y > 0.0031308 ? 1.055 * Y ** (1 / 2.4) - 0.055 : 12.92 * Y));
}

// Three decimals at most, or an exponent where they would be all zeros or far too many; a true
// minus.
function number(value) {
  const size = Math.abs(value);
  let text = value.toFixed(3).replace(/\.?0+$/, "");
  if (size >= 1e6 || (size > 0 && size < 5e-4)) text = value.toExponential(1);
  else if (size >= 1000) text = String(Number(value.toPrecision(6)));
  return text.replaceAll("-", "−");
}

function short(value) {
  const text = Math.abs(value) < 0.01 ? value.toPrecision(1) : value.toFixed(2);
  return String(Number(text)).replaceAll("-", "−");
}

function term({ row, column }, text) {
  return element("span", { class: "term", "data-pixel": `${row},${column}` }, text);
}
