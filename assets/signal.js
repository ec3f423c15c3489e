// The signal: a row of samples, the row it is resized to, and the weights between them.
//
// Every number comes from Python. Here a sample moves, and outputs and curve follow by the weights
// that Python sent. One SVG, in CSS pixels, holds three bands over one axis, in input pixels: the
// values, the pixels of both rows, and the weights of one output.

const SHOWN = 6; // terms before the rest is summed up
const MOST_ARROWS = 48;
const NOUGHT = 1e-6; // a weight below is none
const SPEAK_AFTER_MS = 250; // a screen reader need not hear every output on the way
const SEND_AFTER_MS = 400; // where a key's release is never told
const STEP = 0.05;
const LEAP = 0.25;

// Layout, in CSS pixels.
const LEFT = 40;
const RIGHT = 8;
const VALUES = [18, 168];
const IN_ROW = [178, 198];
const OUT_ROW = [218, 238];
const WEIGHTS = [264, 340];
const HEIGHT = 346;
const DIGIT = 7;

class Signal {
  constructor(root) {
    const layers = ["picture", "frame", "values", "chosen", "numbers", "handles"];
    for (const part of ["what", "stage", "drawing", ...layers, "reading", "sum", "hint", "live"]) {
      this[part] = root.querySelector(`.${part}`);
    }
    this.root = root;
    this.index = 0; // of the output shown
    this.pinned = false;
    this.touched = false; // until then the output shown is a preview
    this.samples = [];
    this.grips = [];
    this.held = null; // the sample under the finger: {j, before, lift}
    this.edits = new Edits();
    this.known = ""; // what Python has, as far as is known here
    this.dirty = false;
    this.width = 0;
    this.drawing.setAttribute("height", HEIGHT);
    this.listen();
    // Layout is read when the browser has just made it, never in the middle of a redraw.
    this.observer = new ResizeObserver(() => {
      const { clientWidth } = this.stage;
      if (clientWidth && clientWidth !== this.width) {
        this.width = clientWidth;
        this.render();
      }
      // The text's height only grows, lest the page below jump from output to output.
      const { offsetWidth, offsetHeight, style } = this.reading;
      const least = offsetWidth === this.textWidth ? `${offsetHeight}px` : "";
      if (style.minHeight !== least) style.minHeight = least;
      this.textWidth = offsetWidth;
    });
    for (const part of [this.stage, this.reading]) this.observer.observe(part);
  }

  close() {
    this.observer.disconnect();
    clearTimeout(this.timer);
    clearTimeout(this.sender);
  }

  // ---- What the reader does.

  listen() {
    const { drawing, handles, root, stage } = this;
    drawing.onpointermove = (event) => {
      if (this.held) return this.drag(event);
      // A finger that moves is scrolling.
      if (event.pointerType === "touch" || this.pinned) return;
      const index = this.under(event);
      if (index !== null) this.choose(index);
    };
    drawing.onclick = (event) => {
      if (event.target.closest(".handle")) return;
      const index = this.under(event);
      if (index === null) return;
      const again = this.pinned && index === this.index;
      this.choose(index);
      this.hold(!again);
    };
    stage.onkeydown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const grip = event.target.closest(".handle");
      const last = this.positions.length - 1;
      const walk = { ArrowLeft: this.index - 1, ArrowRight: this.index + 1, Home: 0, End: last };
      if (grip && this.step(this.grips.indexOf(grip), event.key)) event.preventDefault();
      else if (event.key in walk) {
        this.choose(Math.min(Math.max(walk[event.key], 0), last));
        event.preventDefault();
      } else if (!grip && (event.key === "Enter" || event.key === " ")) {
        if (!event.repeat) this.hold(!this.pinned);
        event.preventDefault();
      }
    };
    root.onkeydown = (event) => {
      if (event.key !== "Escape" || !(this.held || this.pinned)) return;
      event.stopPropagation();
      if (this.held) this.drop(false);
      else this.hold(false);
    };
    handles.onpointerdown = (event) => {
      const grip = event.target.closest(".handle");
      if (!grip || event.button !== 0 || this.held) return;
      event.preventDefault();
      grip.focus({ preventScroll: true });
      grip.setPointerCapture(event.pointerId);
      grip.classList.add("held");
      const j = this.grips.indexOf(grip);
      const lift = this.y(this.samples[j]) - this.point(event)[1];
      this.held = { j, grip, lift, before: this.samples[j], pointer: event.pointerId };
    };
    // touch-action alone does not keep every browser from scrolling under a shape of an SVG.
    const stay = (event) => event.preventDefault();
    handles.addEventListener("touchstart", stay, { passive: false });
    handles.onpointerup = () => this.drop(true);
    handles.onpointercancel = () => this.drop(false);
    handles.onlostpointercapture = () => this.drop(true);
    // Keys tell when they are let go, as a pointer does.
    handles.onkeyup = () => this.send();
    handles.onfocusout = () => this.send();
  }

  // Where an event is in the drawing, at any zoom of the page.
  point({ clientX, clientY }) {
    const { left, top, width, height } = this.drawing.getBoundingClientRect();
    return [((clientX - left) / width) * this.width, ((clientY - top) / height) * HEIGHT];
  }

  // The output under the pointer: the one that reads nearest, or whose square it is.
  under(event) {
    const [left, y] = this.point(event);
    if (y > OUT_ROW[1] + 4) return null;
    const x = this.unx(left);
    const square = y > (IN_ROW[1] + OUT_ROW[0]) / 2;
    const far = (i) => Math.abs((square ? this.centres : this.positions)[i] - x);
    const tie = (i) => Math.abs(this.centres[i] - x); // outputs that read at one place
    let best = 0;
    for (let i = 1; i < this.positions.length; i++) {
      const gain = far(best) - far(i);
      if (gain > NOUGHT || (gain > -NOUGHT && tie(i) < tie(best))) best = i;
    }
    return best;
  }

  drag(event) {
    const { j, lift, pointer } = this.held;
    if (event.pointerId !== pointer) return;
    this.set(j, this.uny(this.point(event)[1] + lift));
  }

  drop(keep) {
    if (!this.held) return;
    const { j, grip, before, pointer } = this.held;
    this.held = null;
    grip.classList.remove("held");
    if (grip.hasPointerCapture(pointer)) grip.releasePointerCapture(pointer);
    if (!keep) {
      this.set(j, before, false);
      this.dirty = false;
    }
    this.send();
  }

  // Move a sample by a key; tell whether the key is one that does.
  step(j, key) {
    const { minimum, maximum } = this.data;
    const value = {
      ArrowUp: this.samples[j] + STEP, ArrowDown: this.samples[j] - STEP,
      PageUp: this.samples[j] + LEAP, PageDown: this.samples[j] - LEAP,
      Home: minimum, End: maximum,
    }[key];
    if (value === undefined) return false;
    this.set(j, value);
    clearTimeout(this.sender);
    this.sender = setTimeout(() => this.send(), SEND_AFTER_MS);
    return true;
  }

  set(j, value, round = true) {
    const { minimum, maximum } = this.data;
    const near = round ? Math.round(value * 100) / 100 : value;
    const next = Math.min(Math.max(near, minimum), maximum);
    if (next === this.samples[j]) return;
    this.samples[j] = next;
    this.dirty = true;
    const start = performance.now();
    this.drawValues();
    this.drawChosen();
    this.moveHandles();
    this.measure(start);
  }

  send() {
    clearTimeout(this.sender);
    if (!this.dirty || this.held) return;
    this.dirty = false;
    const samples = this.samples.map((value) => {
      const { minimum, maximum } = this.data;
      return Math.min(Math.max(Math.round(value * 100) / 100, minimum), maximum);
    });
    this.known = String(samples);
    this.edits.send(this.trigger, samples);
  }

  choose(index) {
    this.touched = true;
    if (index === this.index) return;
    this.index = index;
    this.drawChosenNow();
  }

  hold(pinned) {
    this.touched = true;
    this.pinned = pinned;
    this.drawChosenNow();
  }

  // ---- What Python sends.

  update(data) {
    const count = this.positions?.length;
    this.data = data;
    const floats = (packed) => new Float32Array(bytes(packed));
    const rows = ({ width, first, values }) => (
      { width, first: new Uint8Array(bytes(first)), values: floats(values) }
    );
    for (const name of ["positions", "centres", "curve_x", "kernel_x", "kernel_y"]) {
      this[name] = floats(data[name]);
    }
    this.weights = rows(data.weights);
    this.curve = rows(data.curve_weights);
    this.take(Array.from(floats(data.samples), (value) => Number(value.toPrecision(7))));
    if (this.positions.length !== count) {
      this.index = data.start;
      this.pinned = this.touched = false;
    }
    this.picture.ariaLabel = data.alt;
    this.what.textContent = data.editable ? "samples (drag)" : "samples";
    this.hint.textContent = (data.editable ? "Drag a square, or focus it and press ↑ ↓. " : "") +
      "Hover or tap an output. Click pins it, Esc lets go, ← → move.";
    this.makeHandles();
    this.render();
    if (this.touched) this.speak(0);
  }

  // What Python made before it saw the last edit is no news; nor is what it has where there is an edit
  // still to send; nor may either move the sample under the finger.
  take(samples) {
    const same = samples.length === this.samples.length;
    const late = this.edits.late(this.data);
    const form = String(samples.map((value) => Math.round(value * 100) / 100));
    const kept = same && (late || (this.dirty && form === this.known));
    if (!late) this.known = form;
    if (kept) return;
    if (same && this.held) {
      const { j } = this.held;
      this.held.before = samples[j];
      samples[j] = this.samples[j];
    } else {
      this.held?.grip.classList.remove("held");
      this.held = null;
      this.dirty = false;
    }
    this.samples = samples;
  }

  // One per sample, kept as long as their number is: a focus outlives new data.
  makeHandles() {
    const count = this.data.editable ? this.samples.length : 0;
    if (this.grips.length === count) return;
    this.grips = Array.from({ length: count }, (_, j) => {
      const grip = shape("g", {
        class: "handle", tabindex: 0, role: "slider", "aria-label": `sample ${j}`,
        "aria-orientation": "vertical", "data-testid": "signal-handle",
      }, shape("rect"), shape("path"), shape("text", { class: "over" }));
      return grip;
    });
    this.handles.replaceChildren(...this.grips);
  }

  // ---- What follows from both.

  x(value) {
    return LEFT + ((value - this.from) / (this.to - this.from)) * (this.width - LEFT - RIGHT);
  }

  unx(left) {
    return this.from + ((left - LEFT) / (this.width - LEFT - RIGHT)) * (this.to - this.from);
  }

  y(value) {
    return VALUES[1] - ((value - this.low) / (this.high - this.low)) * (VALUES[1] - VALUES[0]);
  }

  uny(top) {
    return this.low + ((VALUES[1] - top) / (VALUES[1] - VALUES[0])) * (this.high - this.low);
  }

  weight(y) {
    const [top, bottom] = WEIGHTS;
    const [low, high] = this.span;
    const [head, foot] = [14, low < 0 ? 14 : 2]; // room for numbers
    return bottom - foot - ((y - low) / (high - low)) * (bottom - foot - top - head);
  }

  render() {
    const start = performance.now();
    if (!this.width) return;
    const { curve_x: xs, positions, samples, kernel_y } = this;
    const n = samples.length;
    this.from = Math.min(-0.5, xs[0], ...positions);
    this.to = Math.max(n - 0.5, xs.at(-1), ...positions);
    this.scale();
    const all = [0, ...this.weights.values, ...kernel_y];
    this.span = [Math.min(...all), Math.max(...all)];
    if (this.span[1] - this.span[0] < 1e-3) this.span[1] = this.span[0] + 1;
    this.pitch = this.x(1) - this.x(0);
    this.drawFrame();
    this.drawValues();
    this.drawChosen();
    this.layHandles();
    this.moveHandles();
    this.measure(start);
  }

  // The range of values on the axis. Where samples move it holds all that they can come to, so that
  // it stays where it is; else what there is, in whole steps.
  scale() {
    let [low, high] = [Infinity, -Infinity];
    const see = (value) => {
      low = Math.min(low, value);
      high = Math.max(high, value);
    };
    const { data: { editable, minimum, maximum }, samples } = this;
    for (const rows of [this.weights, this.curve]) {
      for (let i = 0; i < rows.first.length; i++) {
        if (!editable) {
          see(product(rows, i, samples));
          continue;
        }
        let [least, most] = [0, 0];
        for (let c = i * rows.width; c < (i + 1) * rows.width; c++) {
          const w = rows.values[c];
          least += w * (w > 0 ? minimum : maximum);
          most += w * (w > 0 ? maximum : minimum);
        }
        see(least);
        see(most);
      }
    }
    for (const value of editable ? [minimum, maximum] : samples) see(value);
    if (high - low < 1e-6) [low, high] = [low - 0.5, high + 0.5];
    const step = nice((high - low) / 8);
    if (!editable) [low, high] = [Math.floor(low / step) * step, Math.ceil(high / step) * step];
    const margin = 0.04 * (high - low);
    this.low = low - margin;
    this.high = high + margin;
  }

  drawFrame() {
    const { positions, centres, samples, width } = this;
    const [n, m] = [samples.length, positions.length];
    const [left, right] = [this.x(-0.5), this.x(n - 0.5)];
    const parts = [];
    const numbers = [text(2, 12, "value", "title")];
    // Axes of values and of weights.
    const ticks = (low, high, most, at) => {
      const step = nice((high - low) / most);
      let grid = "";
      for (let k = Math.ceil(low / step - 1e-6); k * step <= high + 1e-6 * step; k++) {
        const y = round(at(k * step));
        grid += `M${LEFT} ${y}H${round(width - RIGHT)}`;
        numbers.push(text(LEFT - 6, y + 4, tick(k * step, step), "end"));
      }
      parts.push(path("grid", grid));
    };
    ticks(this.low, this.high, 6, (v) => this.y(v));
    ticks(...this.span, 2, (v) => this.weight(v));
    const nought = round(this.weight(0));
    parts.push(path("axis", `M${LEFT} ${nought}H${round(width - RIGHT)}`));
    // Both rows of pixels.
    for (const [name, [top, bottom], count, middle] of [
      ["in", IN_ROW, n, (j) => j], ["out", OUT_ROW, m, (i) => centres[i]],
    ]) {
      const side = (right - left) / count;
      let cuts = "";
      if (side >= 3) {
        for (let i = 1; i < count; i++) cuts += `M${round(left + i * side)} ${top}V${bottom}`;
      }
      const box = `M${round(left)} ${top}H${round(right)}V${bottom}H${round(left)}Z`;
      parts.push(path("paper", box), path("cut", cuts), path("edges", box));
      numbers.push(text(LEFT - 10, top + 14, name, "end"));
      const step = [1, 2, 5, 10, 20, 50, 100].find(
        (s) => s * side >= DIGIT * String(count - 1).length + 4,
      ) ?? count;
      for (let i = 0; i < count; i += step) {
        const x = this.x(middle(i));
        const whole = x + (DIGIT * String(i).length) / 2 <= width;
        if (whole) numbers.push(text(x, top + 14, i, "middle"));
      }
    }
    // Where outputs read.
    if (m <= MOST_ARROWS) {
      let arrows = "";
      for (let i = 0; i < m; i++) {
        const [from, to] = [this.x(centres[i]), this.x(positions[i])];
        arrows += `M${round(from)} ${OUT_ROW[0]}L${round(to)} ${IN_ROW[1]}`;
      }
      parts.push(path("arrows", arrows));
    }
    this.frame.innerHTML = parts.join("");
    this.numbers.innerHTML = numbers.join("");
  }

  // Curve, stems, squares and dots. Redrawn while a sample is dragged.
  drawValues() {
    const { samples, positions, curve_x: xs } = this;
    const outputs = Array.from(positions, (_, i) => product(this.weights, i, samples));
    this.outputs = outputs;
    const base = round(this.y(Math.min(Math.max(0, this.low), this.high)));
    const parts = [path("axis", `M${LEFT} ${base}H${round(this.width - RIGHT)}`)];
    const [least, most] = [Math.min(...samples), Math.max(...samples)];
    const slack = 1e-4 * (this.high - this.low);
    const labels = [];
    if (Math.min(...outputs) < least - slack || Math.max(...outputs) > most + slack) {
      for (const [value, words, drop] of [
        [most, "largest sample", -4], [least, "smallest sample", 12],
      ]) {
        const y = round(this.y(value));
        parts.push(path("reach", `M${LEFT} ${y}H${round(this.width - RIGHT)}`));
        // At the end where the samples are farther away.
        const left = Math.abs(samples[0] - value) > Math.abs(samples.at(-1) - value);
        const [x, side] = left ? [LEFT + 4, "over"] : [this.width - RIGHT, "end over"];
        labels.push(text(x, y + drop, words, side));
      }
    }
    let curve = "";
    for (let i = 0; i < xs.length; i++) {
      const y = this.y(product(this.curve, i, samples));
      curve += `${i ? "L" : "M"}${round(this.x(xs[i]))} ${round(y)}`;
    }
    parts.push(path("curve", curve));
    const half = Math.min(6, Math.max(2.5, 0.3 * this.pitch));
    let [stems, squares, dots] = ["", "", ""];
    samples.forEach((value, j) => {
      const [x, y] = [round(this.x(j)), round(this.y(value))];
      stems += `M${x} ${base}V${y}`;
      squares += `M${x - half} ${y - half}h${2 * half}v${2 * half}h${-2 * half}z`;
    });
    outputs.forEach((value, i) => {
      dots += `M${round(this.x(positions[i]))} ${round(this.y(value))}h0`;
    });
    const gap = (this.x(this.to) - this.x(this.from)) / outputs.length;
    const size = Math.min(7.5, Math.max(3, 0.9 * gap), 1.3 * half); // a square shows around a dot
    const marks = [
      path("squares", squares),
      `<path class="dots halo" style="stroke-width:${round(size + 2)}px" d="${dots}"/>` +
      `<path class="dots" style="stroke-width:${round(size)}px" d="${dots}"/>`,
    ];
    if (gap < size) marks.reverse(); // dots that run together would hide the squares
    parts.push(path("stems", stems), ...marks, ...labels);
    this.values.innerHTML = parts.join("");
  }

  // The output shown: its dot, its square, where it reads, its weights, and its sum.
  drawChosen() {
    const { index: i, positions, centres, outputs, samples, pitch } = this;
    const [at, centre] = [round(this.x(positions[i])), this.x(centres[i])];
    const y = round(this.y(outputs[i]));
    const n = samples.length;
    const side = (this.x(n - 0.5) - this.x(-0.5)) / outputs.length;
    const links = this.links();
    const strongest = Math.max(...links.map(({ weight }) => Math.abs(weight)), NOUGHT);
    const parts = [];
    for (const { j, weight } of links) {
      const opacity = 0.12 + 0.3 * (Math.abs(weight) / strongest);
      const [top, bottom] = IN_ROW;
      parts.push(`<rect class="used" fill-opacity="${opacity.toFixed(2)}" x="${round(this.x(j - 0.5))}"`,
        ` y="${top}" width="${round(pitch)}" height="${bottom - top}"/>`);
    }
    const wide = Math.max(side, 3);
    parts.push(`<rect class="at" x="${round(centre - wide / 2)}" y="${OUT_ROW[0]}"`,
      ` width="${round(wide)}" height="${OUT_ROW[1] - OUT_ROW[0]}"/>`);
    // From the square up to where it reads, and on to the value and down to the weights.
    parts.push(path("follow", `M${at} ${IN_ROW[1]}V${y}M${at} ${WEIGHTS[0] + 4}V${WEIGHTS[1]}`));
    const [dx, dy] = [at - centre, IN_ROW[1] - OUT_ROW[0]];
    const long = Math.hypot(dx, dy);
    const [ux, uy] = [(7 * dx) / long, (7 * dy) / long];
    const tip = `${at} ${IN_ROW[1]}`;
    const [bx, by] = [at - ux, IN_ROW[1] - uy];
    const wing = (s) => `${round(bx - s * uy * 0.6)} ${round(by + s * ux * 0.6)}`;
    parts.push(path("arrow", `M${round(centre)} ${OUT_ROW[0]}L${round(bx)} ${round(by)}`));
    parts.push(path("head", `M${tip}L${wing(1)}L${wing(-1)}Z`));
    parts.push(`<circle cx="${at}" cy="${y}" r="5.5"/>`);
    this.drawWeights(parts, links);
    this.chosen.innerHTML = parts.join("");
    this.write(links);
    Object.assign(this.root.dataset, { index: i, pinned: this.pinned, preview: !this.touched });
    if (this.touched) this.speak(SPEAK_AFTER_MS); // at first nobody has asked
  }

  drawWeights(parts, links) {
    const { index, positions, kernel_x: xs, kernel_y: ys } = this;
    parts.push(text(2, WEIGHTS[0] - 4, `weights of out[${index}]`, "title over"));
    // The kernel, as far as the axis reaches.
    let kernel = "";
    const put = (x, y) => {
      kernel += `${kernel ? "L" : "M"}${round(this.x(x))} ${round(this.weight(y))}`;
    };
    const ends = [this.from, this.to];
    for (let k = 0; k < xs.length; k++) {
      const [x, y] = [positions[index] + xs[k], ys[k]];
      if (k) {
        const [u, v] = [positions[index] + xs[k - 1], ys[k - 1]];
        for (const end of ends) {
          if (u < end && end < x) put(end, v + ((y - v) * (end - u)) / (x - u));
        }
      }
      if (ends[0] <= x && x <= ends[1]) put(x, y);
    }
    parts.push(path("kernel", kernel));
    let stems = "";
    const nought = round(this.weight(0));
    for (const { j, weight } of links) {
      stems += `M${round(this.x(j))} ${nought}V${round(this.weight(weight))}`;
    }
    parts.push(path("weights", stems));
    // Numbers where they fit, the strongest first.
    const taken = [];
    for (const { j, weight } of byStrength(links)) {
      const words = share(weight);
      const half = (words.length * DIGIT) / 2 + 2;
      const x = Math.min(Math.max(this.x(j), LEFT + half - 4), this.width - half);
      const row = weight < 0;
      if (taken.some(([other, low, reach]) => low === row && Math.abs(other - x) < half + reach)) continue;
      taken.push([x, row, half]);
      const y = this.weight(weight) + (row ? 12 : -4);
      parts.push(text(x, y, words, "middle over weight"));
    }
  }

  drawChosenNow() {
    const start = performance.now();
    if (!this.width) return;
    this.drawChosen();
    this.measure(start);
  }

  // The samples that the output is made of, from left to right.
  links() {
    const { index, samples, weights: { width, first, values } } = this;
    const found = [];
    for (let c = 0; c < width; c++) {
      const weight = values[index * width + c];
      const j = first[index] + c;
      if (Math.abs(weight) > NOUGHT) found.push({ j, weight, product: weight * samples[j] });
    }
    return found;
  }

  // out[3] reads at 1.25: 0.750·in[1] + 0.250·in[2] = 0.640
  write(links) {
    const { index, positions, outputs, samples, data } = this;
    const at = positions[index];
    const outside = at < -1e-5 || at > samples.length - 1 + 1e-5;
    const aside = outside ? `, outside: ${data.outside_text}. ` : ": ";
    const where = `out[${index}] reads at ${brief(at)}${aside}`;
    const strong = byStrength(links).slice(0, links.length > SHOWN ? SHOWN : links.length);
    const terms = strong.sort((a, b) => a.j - b.j).flatMap(({ j, weight }, k) => {
      const sign = weight < 0 ? "− ".slice(0, k ? 2 : 1) : k ? "+ " : "";
      return [element("span", { class: "term" }, `${sign}${share(Math.abs(weight))}·in[${j}]`), " "];
    });
    const rest = links.filter((link) => !strong.includes(link));
    if (rest.length) {
      const sum = rest.reduce((all, { product }) => all + product, 0);
      terms.push(element("span", { class: "term" }, `+ ${rest.length} more (${brief(sum)})`), " ");
    }
    const total = element("strong", { class: "term" }, `= ${brief(outputs[index])}`);
    this.sum.replaceChildren(where, ...terms, total);
  }

  // Boxes to take hold of, a ring to show which one is, and its value.
  layHandles() {
    const wide = Math.min(36, Math.max(8, this.pitch));
    this.grips.forEach((grip, j) => {
      const [box, ring, value] = grip.children;
      fill(box, { x: round(-wide / 2), y: -18, width: round(wide), height: 36 }, []);
      const half = Math.min(8, Math.max(4.5, 0.3 * this.pitch + 2));
      ring.setAttribute("d", `M${-half} ${-half}h${2 * half}v${2 * half}h${-2 * half}z`);
      // Centred, but whole at the edges.
      const room = [18 - this.x(j), this.width - 18 - this.x(j)];
      fill(value, { x: round(Math.min(Math.max(0, room[0]), room[1])), class: "over middle" }, []);
    });
  }

  moveHandles() {
    const { minimum, maximum } = this.data;
    this.grips.forEach((grip, j) => {
      const value = this.samples[j];
      const [x, y] = [round(this.x(j)), round(this.y(value))];
      fill(grip, {
        transform: `translate(${x} ${y})`,
        "aria-valuemin": minimum, "aria-valuemax": maximum, "aria-valuenow": value,
      }, []);
      grip.lastChild.textContent = number(value, 2);
      grip.lastChild.setAttribute("y", y < 26 ? 22 : -13); // above, where there is room
    });
  }

  measure(start) {
    const end = performance.now();
    this.root.dataset.redrawMs = (end - start).toFixed(2);
    performance.clearMeasures("signal-redraw");
    performance.measure("signal-redraw", { start, end });
  }

  speak(after) {
    clearTimeout(this.timer);
    this.timer = after && setTimeout(() => this.speak(0), after);
    if (after) return;
    const words = { "·": " times ", "−": "minus " };
    const spoken = this.sum.textContent.replace(/[·−]/g, (symbol) => words[symbol]);
    this.live.textContent = spoken.replace(/\[(\d+)\]/g, " $1") + (this.pinned ? ", pinned" : "");
  }
}

// One row of a banded matrix times the samples.
function product({ width, first, values }, i, samples) {
  let sum = 0;
  for (let c = 0; c < width; c++) sum += values[i * width + c] * samples[first[i] + c];
  return sum;
}

function byStrength(links) {
  return [...links].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight) || a.j - b.j);
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer;
}

function round(value) {
  return Math.round(value * 10) / 10;
}

// The nearest of 1, 2, 5, 10, ... that is not below.
function nice(step) {
  const ten = 10 ** Math.floor(Math.log10(step));
  return ten * [1, 2, 5, 10].find((k) => k * ten >= step * (1 - 1e-9));
}

function tick(value, step) {
  return number(value, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
}

// A true minus, and none before a zero.
function number(value, digits = 3) {
  const text = Math.abs(value).toFixed(digits);
  return (value < 0 && Number(text) ? "−" : "") + text;
}

// A weight that three decimals would make nothing of has an exponent.
function share(weight) {
  const tiny = Math.abs(weight) < 5e-4;
  return tiny ? weight.toExponential(0).replaceAll("-", "−") : brief(weight);
}

// Three decimals at most.
function brief(value) {
  return number(value).replace(/\.?0+$/, "");
}

function path(kind, d) {
  return `<path class="${kind}" d="${d}"/>`;
}

function text(x, y, words, kind) {
  return `<text x="${round(x)}" y="${round(y)}" class="${kind}">${words}</text>`;
}

