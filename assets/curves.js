// Curves: lines over one x axis, a legend that hides and shows them, a read-out, and a table.
//
// Every number comes from Python; here it is only placed and written. The drawing is one SVG in CSS
// pixels. A redraw must stay within a few milliseconds for 12 lines of 1,000 points: positions are
// tenths of a pixel, whose texts are made once; where points crowd, a column of pixels gets four.

const DASHES = ["", "9 4", "2 3", "9 3 2 3", "5 3", "12 3 2 3 2 3"];
const COLOURS = 6; // then neutral, for what is faint
const DOTS = [ // of lines that are points
  "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z",
  "m-2.8-2.8h5.6v5.6h-5.6z",
  "m0-3.6l3.5 6h-7z",
  "m0-3.8l3.8 3.8l-3.8 3.8l-3.8-3.8z",
  "m0 3.6l3.5-6h-7z",
  "m-3.5-1.2h2.3v-2.3h2.4v2.3h2.3v2.4h-2.3v2.3h-2.4v-2.3h-2.3z",
];
const SYMBOLS = {
  circle: "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1-5 0Z",
  square: "M-4.5-4.5H4.5V4.5H-4.5Z",
  cross: "M-5.5-3.5L-3.5-5.5L0-2L3.5-5.5L5.5-3.5L2 0L5.5 3.5L3.5 5.5L0 2L-3.5 5.5L-5.5 3.5L-2 0Z",
  triangle: "M0-5.8L5.5 4.2H-5.5Z",
};
const LOOK = "look here"; // a mark that says no more
const ABREAST = 4; // lines that the read-out writes in one row; more make a list
const MOST_ROWS = 200; // of the table
const SPEAK_AFTER_MS = 250; // a screen reader need not hear every x on the way
const FONT = 11.5;
const SUPERSCRIPTS = { "-": "⁻", "+": "", ...Object.fromEntries([..."⁰¹²³⁴⁵⁶⁷⁸⁹"].entries()) };
const NARROWEST = 120; // a page that is still being laid out may leave less

const charts = new Set();

// The first chart of a page says how to read it; the others are read alike.
function hint() {
  const host = (chart) => chart.root.getRootNode().host; // none once its page is left
  const before = (a, b) => host(a).compareDocumentPosition(host(b)) & Node.DOCUMENT_POSITION_PRECEDING;
  let first = null;
  for (const chart of charts) if (host(chart) && (!first || before(first, chart))) first = chart;
  for (const chart of charts) chart.hint.classList.toggle("again", chart !== first);
}

class Chart {
  constructor(root) {
    for (const part of [
      "title", "legend", "left-name", "right-name", "x-name", "stage", "drawing", "picture", "frame",
      "window", "labels", "cursor", "reading", "note", "hint", "live", "details", "table",
    ]) {
      this[part.replace("-n", "N")] = root.querySelector(`.${part}`);
    }
    this.root = root;
    this.wanted = null; // the x asked for; null until the reader asks: then `look`, or the last
    this.pinned = false;
    this.hidden = new Set(); // names
    this.places = []; // every x that can be read
    this.width = 0;
    this.widths = new Map(); // of texts
    this.hint.textContent = "Hover or tap to read values. Click pins, Esc lets go, ← → move.";
    this.listen();
    // Layout is read when the browser has just made it, never in the middle of a redraw.
    this.observer = new ResizeObserver(() => {
      const { clientWidth } = this.stage;
      if (clientWidth && clientWidth !== this.width) {
        this.width = clientWidth;
        this.font ??= `${FONT}px ${getComputedStyle(root).fontFamily}`;
        this.render();
      }
      // The text's height only grows, lest the page below jump from x to x.
      const { offsetWidth, offsetHeight, style } = this.reading;
      style.minHeight = offsetWidth === this.textWidth ? `${offsetHeight}px` : "";
      this.textWidth = offsetWidth;
    });
    for (const part of [this.stage, this.reading]) this.observer.observe(part);
    // Charts and steppers of a group read one x.
    this.onShared = ({ detail: { group, x, pinned, from } }) => {
      if (from === this.root || !group || group !== this.data?.group || !this.places.length) return;
      this.wanted = x;
      this.pinned = pinned;
      this.drawCursor();
    };
    document.addEventListener(SHARED, this.onShared);
    charts.add(this);
    hint();
  }

  close() {
    charts.delete(this);
    hint();
    document.removeEventListener(SHARED, this.onShared);
    this.observer.disconnect();
    clearTimeout(this.timer);
  }

  // ---- What the reader does.

  listen() {
    const { drawing, stage, root, legend, details } = this;
    drawing.onpointermove = (event) => {
      // A finger that moves is scrolling.
      if (event.pointerType !== "touch" && !this.pinned) this.choose(this.under(event));
    };
    drawing.onclick = (event) => {
      const place = this.under(event);
      if (place === null) return;
      const again = this.pinned && place === this.place();
      this.pinned = !again;
      this.choose(place);
    };
    stage.onkeydown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.places.length) return;
      const last = this.places.length - 1;
      const leap = Math.max(1, Math.round(last / 10));
      const to = {
        ArrowLeft: this.index - 1, ArrowRight: this.index + 1, Home: 0, End: last,
        PageDown: this.index - leap, PageUp: this.index + leap,
      }[event.key];
      const pins = event.key === "Enter" || event.key === " ";
      if (to === undefined && !pins) return;
      event.preventDefault();
      if (pins && event.repeat) return;
      if (pins) this.pinned = !this.pinned;
      this.choose(this.places[Math.min(Math.max(to ?? this.index, 0), last)]);
      this.speak(SPEAK_AFTER_MS);
    };
    root.onkeydown = (event) => {
      if (event.key !== "Escape" || !this.pinned) return;
      event.stopPropagation();
      this.pinned = false;
      this.drawCursor();
      this.share();
    };
    legend.onclick = (event) => {
      const name = event.target.closest("button")?.dataset.name;
      if (name === undefined) return;
      if (!this.hidden.delete(name)) this.hidden.add(name);
      this.render();
    };
    details.ontoggle = () => this.tabulate();
  }

  choose(place) {
    if (place === null) return;
    this.wanted = place;
    this.drawCursor();
    this.share();
  }

  share() {
    const { data: { group }, wanted: x, pinned, root: from } = this;
    if (group) document.dispatchEvent(new CustomEvent(SHARED, { detail: { group, x, pinned, from } }));
  }

  // The x nearest to the pointer, at any zoom of the page.
  under({ clientX }) {
    const { left, width } = this.drawing.getBoundingClientRect();
    const x = this.unx(((clientX - left) / width) * this.width);
    return this.places.length ? this.places[nearest(this.places, x)] : null;
  }

  place() {
    return this.places[this.index];
  }

  // ---- What Python sends.

  update(data) {
    const start = performance.now();
    this.data = data;
    const unpacked = [];
    let colour = 0;
    for (const { name, y, x, axis, shape, faint, aside, strong, solid } of data.lines) {
      const ys = floats(y);
      const xs = x === null ? counting(ys.length) : typeof x === "number" ? unpacked[x].xs : floats(x);
      const kind = faint ? 0 : colour++;
      unpacked.push({
        name, xs, ys, shape, faint, aside, strong, solid,
        right: axis === "right",
        log: axis === "right" ? data.right_log : data.log,
        colour: faint ? COLOURS : kind % COLOURS,
        // Each line of a colour has another dash.
        dash: faint || (solid && kind < COLOURS) ? "" : DASHES[(kind + 2 * Math.floor(kind / COLOURS)) % DASHES.length],
        dot: DOTS[kind % DOTS.length],
      });
    }
    const heads = new Map(unpacked.filter(({ faint }) => !faint).map((line) => [line.name, line]));
    for (const line of unpacked) {
      if (line.faint && heads.has(line.name)) line.colour = heads.get(line.name).colour;
    }
    this.lines = unpacked;
    this.shorten([...heads.values()]);
    this.title.textContent = data.title;
    this.leftName.textContent = data.y_title;
    this.rightName.textContent = data.right_title;
    this.xName.textContent = data.x_title;
    this.noun = data.noun || data.x_title.split(/[,(:;]| of the /)[0].trim();
    this.picture.ariaLabel = data.alt;
    this.stage.ariaLabel = `${data.title}: values along ${this.noun}`;
    this.drawing.setAttribute("height", data.height);
    const names = JSON.stringify([data.x_title, data.lines.map(({ name }) => name)]);
    if (names !== this.named) this.reading.style.minHeight = "";
    this.named = names;
    this.makeLegend(heads);
    this.render(start);
    this.tabulate();
  }

  // In the read-out "StepLR(step_size=30): 77% right" is "StepLR(...)", where no other line would be, too.
  shorten(lines) {
    const short = ({ name }) => name.replace(/: .+$/s, "").replace(/^([^(]+)\(.+\)$/s, "$1(...)");
    const different = new Set(lines.map(short)).size === lines.length;
    for (const line of this.lines) line.short = different ? short(line) : line.name;
  }

  // Buttons are kept as long as their entries are: a focus outlives new data.
  makeLegend(heads) {
    const entries = [];
    const seen = new Set();
    const both = this.lines.some(({ right }) => right) && this.lines.some(({ right }) => !right);
    for (const line of this.lines) {
      const own = !line.faint || !heads.has(line.name);
      if (!own || seen.has(line.name)) continue;
      seen.add(line.name);
      entries.push({ ...line, side: both && line.right });
    }
    const kind = (e) => [e.name, e.colour, e.dash, e.shape, e.dot, e.faint, e.strong, e.side];
    const made = JSON.stringify(entries.map(kind));
    if (made !== this.made) {
      this.made = made;
      this.legend.replaceChildren(...entries.map((line) => {
        const name = element("span", { class: "name" }, line.name);
        const side = line.side ? [element("span", { class: "side" }, "(right axis)")] : [];
        const button = element("button", { type: "button", title: line.name }, swatch(line), name, ...side);
        if (line.faint) button.classList.add("pale");
        button.dataset.name = line.name;
        return button;
      }));
    }
  }

  // ---- What follows from both.

  render(start = performance.now()) {
    for (const button of this.legend.children) {
      button.ariaPressed = String(!this.hidden.has(button.dataset.name));
    }
    if (this.width < NARROWEST) return;
    this.shown = this.lines.filter(({ name }) => !this.hidden.has(name));
    const heads = new Set(this.lines.filter(({ faint }) => !faint).map(({ name }) => name));
    const clear = this.shown.filter(({ name, faint, aside }) => !faint || (aside && !heads.has(name)));
    this.read = clear.length ? clear : this.shown;
    this.scale();
    this.places = union(this.read, this.from, this.to);
    this.drawFrame();
    this.drawLines();
    this.drawLabels();
    this.drawNote();
    this.drawCursor(start);
  }

  // The ends of the axes, and where they lie in the drawing.
  scale() {
    const { data, width } = this;
    const lines = this.shown.length ? this.shown : this.lines;
    let [from, to] = data.x_range ?? [Infinity, -Infinity];
    if (!data.x_range) {
      for (const { xs } of lines) {
        from = Math.min(from, xs[0]);
        to = Math.max(to, xs.at(-1));
      }
      for (const [x] of data.marks) [from, to] = [Math.min(from, x), Math.max(to, x)];
      if (from === to) [from, to] = [from - 0.5, to + 0.5];
      const margin = lines.some(({ shape }) => shape === "points") ? 0.02 * (to - from) : 0;
      [from, to] = [from - margin, to + margin];
    }
    [this.from, this.to] = [from, to];
    this.whole = [...new Set(lines.map(({ xs }) => xs))].every((xs) => xs.every(Number.isInteger));
    const right = lines.some((line) => line.right) || data.marks.some((mark) => mark[4] === "right");
    this.left = this.axis(lines, false, data.log, data.y_range);
    this.right = right ? this.axis(lines, true, data.right_log, null) : null;
    this.top = data.bands.length ? 24 : 8; // bands carry their labels above the lines
    this.bottom = data.height - 22;
    for (const axis of [this.left, this.right]) {
      if (!axis) continue;
      const [low, high] = axis.log ? [Math.log10(axis.low), Math.log10(axis.high)] : [axis.low, axis.high];
      axis.slope = (this.top - this.bottom) / (high - low);
      axis.base = this.bottom - axis.slope * low;
      axis.ticks = (axis.log ? logTicks : ticks)(axis.low, axis.high, this.bottom - this.top);
    }
    const room = (axis) => Math.max(...axis.ticks.map(([, words]) => this.measure(words)), 12) + 10;
    this.start = Math.ceil(room(this.left));
    this.end = Math.floor(width - (this.right ? room(this.right) : 10));
    this.slope = (this.end - this.start) / (to - from);
  }

  axis(lines, right, log, range) {
    let [low, high] = [Infinity, -Infinity];
    const see = (value) => {
      if (!Number.isFinite(value) || (log && value <= 0)) return;
      if (value < low) low = value;
      if (value > high) high = value;
    };
    if (range) return { low: range[0], high: range[1], log };
    for (const line of lines) {
      if (line.right !== right) continue;
      const { xs, ys } = line;
      for (let i = 0; i < ys.length; i++) if (xs[i] >= this.from && xs[i] <= this.to) see(ys[i]);
    }
    for (const mark of this.data.marks) if ((mark[4] === "right") === right) see(mark[1]);
    if (!right) for (const [value] of this.data.references) see(value);
    if (low > high) [low, high] = log ? [0.1, 10] : [0, 1];
    if (log) {
      const [a, b] = [Math.log10(low), Math.log10(high)];
      const margin = Math.max(0.04 * (b - a), b - a < 1e-3 ? 0.5 : 0);
      return { low: 10 ** (a - margin), high: 10 ** (b + margin), log };
    }
    const flat = high - low <= 1e-6 * Math.max(Math.abs(low), Math.abs(high));
    if (flat) {
      const half = Math.abs(high) / 2 || 0.5;
      return { low: low - half, high: high + half, log };
    }
    // Nought is on the axis where it is not far.
    const margin = 0.05 * (high - low);
    const least = low >= 0 && low <= 0.5 * high ? 0 : low - margin;
    const most = high <= 0 && high >= 0.5 * low ? 0 : high + margin;
    return { low: least, high: most, log };
  }

  x(value) {
    return this.start + (value - this.from) * this.slope;
  }

  unx(left) {
    return this.from + (left - this.start) / this.slope;
  }

  y(value, right) {
    const { log, base, slope } = right ? this.right : this.left;
    return base + slope * (log ? (value > 0 ? Math.log10(value) : NaN) : value);
  }

  // The width of a text, without a look at the layout.
  measure(words) {
    let width = this.widths.get(words);
    if (width === undefined) {
      pen.font = this.font;
      width = pen.measureText(words).width;
      if (this.widths.size > 2000) this.widths.clear();
      this.widths.set(words, width);
    }
    return width;
  }

  // Words cut to a width, with an ellipsis; none, where not even three letters fit.
  fit(words, room) {
    if (this.measure(words) <= room) return words;
    let count = Math.min(words.length - 1, Math.floor(room / 4));
    while (count > 2 && this.measure(`${words.slice(0, count).trimEnd()}…`) > room) count--;
    return count > 2 ? `${words.slice(0, count).trimEnd()}…` : "";
  }

  drawFrame() {
    const { data, top, bottom, start, end, from, to } = this;
    const parts = [];
    data.bands.forEach(([x0, x1, label], index) => {
      const [a, b] = [Math.max(x0, from), Math.min(x1, to)].map((x) => this.x(x));
      if (!(b >= a)) return;
      const kind = index % 2 ? "hatch" : "shade";
      parts.push(
        `<rect class="${kind}" x="${round(a)}" y="0" width="${round(b - a)}" height="${bottom}">`,
        `<title>${escape(label)}</title></rect>`,
        path("border", `M${round(a)} 0V${bottom}M${round(b)} 0V${bottom}`),
      );
      const words = this.fit(label, b - a - 8);
      if (words) parts.push(text((a + b) / 2, 14, words, "middle over band"));
    });
    let grid = "";
    for (const [axis, x, side] of [[this.left, start - 6, "end"], [this.right, end + 6, ""]]) {
      for (const [value, words] of axis?.ticks ?? []) {
        const y = round(this.y(value, axis === this.right));
        if (axis === this.left) grid += `M${start} ${y}H${end}`;
        parts.push(text(x, Math.min(y + 4, bottom + 4), words, side));
      }
    }
    let cuts = "";
    for (const [value, words] of this.xTicks()) {
      const x = this.x(value);
      cuts += `M${round(x)} ${bottom}v4`;
      const half = this.measure(words) / 2;
      parts.push(text(Math.min(Math.max(x, half), this.width - half), bottom + 17, words, "middle"));
    }
    const sides = `M${start} ${top}V${bottom}H${end}${this.right ? `V${top}` : ""}`;
    this.frame.innerHTML = path("grid", grid) + parts.join("") + path("axis", sides + cuts);
    // Lines are cut where the axes end; half a stroke may stand over.
    const box = [start - 1, top - 1.5, end - start + 2, bottom - top + 3];
    ["x", "y", "width", "height"].forEach((name, k) => this.window.setAttribute(name, box[k]));
    this.window.setAttribute("viewBox", box.join(" "));
  }

  // As many as have room for their words.
  xTicks() {
    const { from, to, start, end } = this;
    for (let count = Math.max(2, (end - start) / 50); ; count /= 1.5) {
      let step = nice((to - from) / count);
      if (this.whole) step = Math.max(step, 1);
      const found = marksOf(from, to, step);
      const widest = Math.max(0, ...found.map(([, words]) => this.measure(words)));
      if (widest + 12 <= step * this.slope || found.length < 2) return found;
    }
  }

  drawLines() {
    const { data, start, end } = this;
    const parts = [];
    for (const [value] of data.references) {
      const y = round(this.y(value, false));
      if (y >= this.top - 1 && y <= this.bottom + 1) parts.push(path("reference", `M${start} ${y}H${end}`));
    }
    // What is context lies below, then what fills an area. Dashes lie on the solid line: where they
    // meet both are seen.
    for (const line of [...this.shown].sort((a, b) => b.faint - a.faint || b.solid - a.solid)) {
      const dots = line.shape === "points";
      const kind = kindOf(line);
      const dash = line.dash && !dots ? ` stroke-dasharray="${line.dash}"` : "";
      parts.push(`<path class="${kind}"${dash} d="${this.trace(line)}"/>`);
    }
    this.window.innerHTML = parts.join("");
  }

  // A line as an SVG path. Positions are whole tenths of a pixel.
  trace({ xs, ys, shape, right, log, dot }) {
    const { from, to } = this;
    const axis = right ? this.right : this.left;
    const [ax, bx] = [10 * this.slope, 10 * (this.start - from * this.slope)];
    const [ay, by] = [10 * axis.slope, 10 * axis.base];
    const n = xs.length;
    // One point more on either side leads out of the drawing.
    let first = 0;
    let last = n - 1;
    while (first < last && xs[first + 1] < from) first++;
    while (last > first && xs[last - 1] > to) last--;
    const tall = 1e5;
    const high = (i) => {
      const value = ys[i];
      if (!Number.isFinite(value)) return NaN; // a gap
      const y = by + ay * (log ? (value > 0 ? Math.log10(value) : NaN) : value);
      // Far outside, a line may lead where it likes.
      return y > tall ? tall : y < -tall ? -tall : Math.round(y);
    };
    if (shape === "points") {
      let d = "";
      const [top, bottom] = [10 * this.top - 1, 10 * this.bottom + 1];
      for (let i = first; i <= last; i++) {
        const y = high(i);
        if (y >= top && y <= bottom && xs[i] >= from && xs[i] <= to) {
          d += `M${tenths(Math.round(ax * xs[i] + bx))} ${tenths(y)}${dot}`;
        }
      }
      return d;
    }
    const step = shape === "step";
    if (last - first > 4 * (this.end - this.start)) return crowd(xs, high, first, last, ax, bx, step);
    let d = "";
    let run = 0; // points since the last gap
    let before = NaN; // the height drawn last
    const close = () => {
      if (run === 1) d += "m-1.5 0h3"; // a point between two gaps
    };
    for (let i = first; i <= last; i++) {
      const y = high(i);
      if (y !== y) {
        if (step && run) {
          d += `H${tenths(Math.round(ax * xs[i] + bx))}`;
          run++;
        }
        close();
        run = 0;
        before = NaN;
        continue;
      }
      const x = Math.round(ax * xs[i] + bx);
      if (!run) d += `M${tenths(x)} ${tenths(y)}`;
      // Level stretches need no point within.
      else if (y === before && i < last && high(i + 1) === y) {
        run++;
        continue;
      } else if (step) d += y === before ? `H${tenths(x)}` : `H${tenths(x)}V${tenths(y)}`;
      else d += y === before ? `H${tenths(x)}` : `L${tenths(x)} ${tenths(y)}`;
      before = y;
      run++;
    }
    close();
    return d;
  }

  // Marks, and the words of marks and references where they have room.
  drawLabels() {
    const { data, start, end, top, bottom } = this;
    const parts = [];
    const taken = [];
    // Of the places with room, the first that the fewest lines run through.
    const write = (words, places, lines = []) => {
      const wide = this.measure(words);
      let best = null;
      for (const [x, y, side] of places) {
        const left = side === "end" ? x - wide : side === "middle" ? x - wide / 2 : x;
        const box = [left - 2, y - 11, left + wide + 2, y + 3];
        if (box[0] < start - 1 || box[2] > this.width || box[1] < top - 8 || box[3] > bottom + 2) continue;
        if (taken.some((t) => box[0] < t[2] && t[0] < box[2] && box[1] < t[3] && t[1] < box[3])) continue;
        const crossed = lines.filter((line) => this.crosses(line, box)).length;
        if (!best || crossed < best.crossed) best = { crossed, box, drawn: text(x, y, words, `over ${side}`) };
        if (!crossed) break;
      }
      if (!best) return false;
      taken.push(best.box);
      parts.push(best.drawn);
      return true;
    };
    const marks = [];
    for (const [x, value, words, symbol, axis] of data.marks) {
      const [left, y] = [this.x(x), this.y(value, axis === "right")];
      if (!(x >= this.from && x <= this.to && y >= top - 1 && y <= bottom + 1)) continue;
      taken.push([left - 6, y - 6, left + 6, y + 6]);
      marks.push([left, y, words]);
      parts.push(
        `<path class="mark" transform="translate(${round(left)} ${round(y)})" d="${SYMBOLS[symbol]}">`,
        `<title>${escape(words)}</title></path>`,
      );
    }
    for (const [value, words] of data.references) {
      const y = this.y(value, false);
      if (!(y >= top - 1 && y <= bottom + 1)) continue;
      const room = this.fit(words, end - start - 8);
      write(room, [
        [end - 4, y - 4, "end"], [end - 4, y + 13, "end"], [start + 6, y - 4, ""], [start + 6, y + 13, ""],
      ]);
    }
    // The same words are written once.
    const written = new Set();
    for (const [x, y, words] of marks) {
      if (written.has(words)) continue;
      const room = this.fit(words, end - start - 8);
      const aside = Math.min(Math.max(x, start + this.measure(room) / 2 + 2), end - this.measure(room) / 2 - 2);
      const done = write(room, [
        [x + 9, y + 4, ""], [x - 9, y + 4, "end"], [aside, y - 10, "middle"], [aside, y + 19, "middle"],
        [x + 9, y - 10, ""], [x + 9, y + 18, ""], [x - 9, y - 10, "end"], [x - 9, y + 18, "end"],
      ], this.shown);
      if (done) written.add(words);
    }
    this.labels.innerHTML = parts.join("");
  }

  // Whether a line runs through a box of the drawing.
  crosses({ xs, ys, shape, right }, [start, top, end, bottom]) {
    const to = this.unx(end);
    const within = (a, b) => Math.min(a, b) < bottom && Math.max(a, b) > top; // NaN is nowhere
    for (let i = Math.max(0, beyond(xs, this.unx(start)) - 1); i < xs.length && xs[i] <= to; i++) {
      const [x0, y0] = [this.x(xs[i]), this.y(ys[i], right)];
      if (shape === "points" || i + 1 === xs.length) {
        if (x0 >= start && within(y0, y0)) return true;
        continue;
      }
      const [x1, y1] = [this.x(xs[i + 1]), this.y(ys[i + 1], right)];
      if (shape === "step") {
        if (within(y0, x1 <= end ? y1 : y0)) return true;
        continue;
      }
      const at = (x) => y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
      if (within(x0 < start ? at(start) : y0, x1 > end ? at(end) : y1)) return true;
    }
    return false;
  }

  drawNote() {
    let count = 0;
    for (const { ys, log } of this.shown) {
      if (!log) continue;
      for (const value of ys) if (value <= 0 && value > -Infinity) count++;
    }
    const values = count === 1 ? "1 value at or below 0 has" : `${count.toLocaleString("en")} values at or below 0 have`;
    this.note.textContent = count ? `${values} no place on a log axis: gaps.` : "";
    this.note.hidden = !count;
  }

  // The line at the x that is read, the dots on it, and the read-out.
  drawCursor(start = performance.now()) {
    const { places, wanted } = this;
    if (this.width < NARROWEST) return;
    const asked = wanted ?? this.data.look;
    this.index = asked === null ? places.length - 1 : places.length ? nearest(places, asked) : -1;
    const x = this.place();
    const parts = [];
    const values = this.read.map((line) => valueAt(line, x));
    // A mark shows where the chart begins.
    const shown = wanted !== null || this.data.marks.every((mark) => this.places[nearest(places, mark[0])] !== x);
    if (x !== undefined && asked !== null && shown) {
      const left = round(this.x(x));
      parts.push(path("at", `M${left} ${this.top}V${this.bottom}`));
      // As the lines: what is context lies below.
      const order = [...this.read.keys()].sort((a, b) => this.read[b].faint - this.read[a].faint);
      order.forEach((k) => {
        const line = this.read[k];
        const y = values[k] === undefined ? NaN : this.y(values[k], line.right);
        if (!(y >= this.top - 1 && y <= this.bottom + 1)) return;
        parts.push(`<circle class="c${line.colour}" cx="${left}" cy="${round(y)}" r="4"/>`);
      });
    }
    this.cursor.innerHTML = parts.join("");
    this.root.classList.toggle("pinned", this.pinned);
    Object.assign(this.root.dataset, {
      x: x ?? "", pinned: this.pinned, preview: wanted === null,
    });
    this.write(x, values);
    const end = performance.now();
    this.root.dataset.redrawMs = (end - start).toFixed(2);
    performance.clearMeasures("curves-redraw");
    performance.measure("curves-redraw", { start, end });
  }

  // step 12: StepLR(...) 0.05 · CosineAnnealingLR(...) 0.0962 · in: warm-up
  write(x, values) {
    if (x === undefined) {
      this.reading.replaceChildren(this.shown.length ? "There is nothing to read here." : "No line is shown.");
      this.spoken = "";
      return;
    }
    // What rounding has left of 0 is 0.
    const head = `${this.noun} ${number(Math.abs(x) < 1e-9 * (this.to - this.from) ? 0 : x)}`;
    const bands = this.data.bands.filter(([a, b]) => a <= x && (x < b || a === b || (x === b &&
      !this.data.bands.some(([other, end]) => other === b && end > b)))).map((band) => band[2]);
    const marks = this.data.marks.filter(
      (mark) => mark[2] !== LOOK && this.places[nearest(this.places, mark[0])] === x,
    );
    const more = [
      ...(bands.length ? [`in: ${bands.join(", ")}`] : []),
      ...new Set(marks.map((mark) => mark[2])),
    ];
    const written = values.map(say);
    // What a pale line beside it is worth: its theory, say.
    const beside = this.read.map(({ name }) => {
      const pale = this.shown.filter((line) => line.aside && line.name === name && !this.read.includes(line));
      const words = pale.map((line) => `${line.aside} ${say(valueAt(line, x))}`);
      return words.length ? ` (${words.join(", ")})` : "";
    });
    const names = this.read.map(({ short }) => short);
    this.spoken = [`${head}: ${names.map((name, k) => `${name} ${written[k]}${beside[k]}`).join(", ")}`, ...more].join(", ");
    const listed = this.lines.filter(({ faint }) => !faint).length > ABREAST;
    if (listed) {
      const items = this.read.map((line, k) => element("li", { title: line.name },
        swatch(line), element("span", { class: "name" }, `${names[k]} `),
        element("b", { class: "value" }, `${written[k]} `), beside[k].trimStart()));
      const top = element("div", {}, [head, ...more].join(" · "));
      this.reading.replaceChildren(top, " ", element("ul", {}, ...items));
      return;
    }
    const terms = [
      ...this.read.map((line, k) => element("span", { class: "term", title: line.name }, swatch(line),
        `${names[k]} `, element("b", {}, written[k]), beside[k])),
      ...more.map((words) => element("span", { class: "term" }, words)),
    ];
    // The dot between terms is not seen: it would begin or end a row.
    for (const term of terms.slice(0, -1)) term.append(element("span", { class: "between" }, " · "));
    this.reading.replaceChildren(`${head}: `, ...terms);
  }

  speak(after) {
    clearTimeout(this.timer);
    this.timer = after && setTimeout(() => this.speak(0), after);
    if (!after) this.live.textContent = this.spoken.replaceAll("−", "minus ") + (this.pinned ? ", pinned" : "");
  }

  // ---- The numbers as a table, made when it is opened.

  tabulate() {
    this.table.replaceChildren();
    if (!this.details.open) return;
    const places = union(this.lines, -Infinity, Infinity);
    const count = Math.min(places.length, MOST_ROWS);
    const rows = Array.from({ length: count }, (_, k) => {
      const x = places[Math.round((k * (places.length - 1)) / Math.max(count - 1, 1))];
      const cells = this.lines.map((line) => {
        const value = valueAt(line, x);
        return element("td", {}, value === undefined ? "" : number(value, 6));
      });
      return element("tr", {}, element("th", { scope: "row" }, number(x, 6)), ...cells);
    });
    const heads = [this.data.x_title, ...this.lines.map(({ name, faint }) => (faint ? `${name} (faint)` : name))];
    const head = element("tr", {}, ...heads.map((name) => element("th", { scope: "col" }, name)));
    const table = element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows));
    const box = element("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": `${this.data.title}: data` }, table);
    if (count < places.length) {
      const words = `${count} of ${places.length.toLocaleString("en")} rows, evenly thinned.`;
      this.table.append(element("p", {}, words));
    }
    this.table.append(box);
  }
}

// A path of a line with many points for each pixel: a column's first, last, lowest and highest.
function crowd(xs, high, first, last, ax, bx, step) {
  const left = (i) => Math.round(ax * xs[i] + bx);
  let d = "";
  let open = false;
  for (let i = first; i <= last; ) {
    if (Number.isNaN(high(i))) {
      if (open && step) d += `H${tenths(left(i))}`;
      open = false;
      i++;
      continue;
    }
    const column = Math.floor(left(i) / 10);
    let [low, peak, end] = [i, i, i];
    for (let j = i + 1; j <= last && Math.floor(left(j) / 10) === column; j++) {
      const y = high(j);
      if (Number.isNaN(y)) break;
      if (y < high(low)) low = j;
      if (y > high(peak)) peak = j;
      end = j;
    }
    let before = -1;
    for (const k of [i, Math.min(low, peak), Math.max(low, peak), end]) {
      if (k === before) continue;
      const [x, y] = [tenths(left(k)), tenths(high(k))];
      d += !open ? `M${x} ${y}h.1` : step ? `H${x}V${y}` : `L${x} ${y}`;
      open = true;
      before = k;
    }
    i = end + 1;
  }
  return d;
}

// What a line is worth at x; undefined where it has no point. A step holds its value.
function valueAt({ xs, ys, shape }, x) {
  const next = beyond(xs, x);
  const i = next - 1;
  if (i < 0) return undefined;
  return xs[i] === x || (shape === "step" && next < xs.length) ? ys[i] : undefined;
}

// The place of the first x beyond one.
function beyond(xs, x) {
  let [low, high] = [0, xs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Every x of some lines once, from the lowest.
function union(lines, from, to) {
  const rows = [...new Set(lines.map(({ xs }) => xs))];
  let all = rows[0] ?? [];
  if (rows.length > 1) {
    all = new Float64Array(rows.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const row of rows) {
      all.set(row, at);
      at += row.length;
    }
    all.sort();
  }
  return all.filter((x, i) => x >= from && x <= to && (i === 0 || x !== all[i - 1]));
}

function nearest(places, x) {
  let [low, high] = [0, places.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low > 0 && x - places[low - 1] <= places[low] - x ? low - 1 : low;
}

// Values and words of an axis.
function ticks(low, high, room) {
  return marksOf(low, high, nice((high - low) / Math.max(2, room / 42)));
}

function marksOf(low, high, step) {
  const found = [];
  const slack = 1e-6 * step;
  const peak = Math.max(Math.abs(low), Math.abs(high));
  for (let k = Math.ceil((low - slack) / step); k * step <= high + slack && found.length < 100; k++) {
    const value = Number((k * step).toPrecision(12));
    found.push([value, tick(value, step, peak)]);
  }
  return found;
}

// Powers of ten; twice and five times them, too, where there is room.
function logTicks(low, high, room) {
  const decades = Math.log10(high / low);
  const each = room / decades; // of a decade, in pixels
  const every = Math.ceil(24 / each);
  const found = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.log10(high); k++) {
    for (const lead of each >= 75 ? [1, 2, 5] : [1]) {
      const value = Number(`${lead}e${k}`);
      if (k % every === 0 && value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) {
        found.push([value, tick(value, value, value)]);
      }
    }
  }
  if (found.length < 2) return ticks(low, high, room).filter(([value]) => value > 0);
  // Words of one kind: not 0.0001 above 1e-05.
  const plain = found[0][0] >= 1e-4 && found.at(-1)[0] < 1e6;
  return plain ? found : found.map(([value]) => [value, power(value)]);
}

// 10⁻⁵, 2·10⁻⁵; 1 is 1.
function power(value) {
  const [lead, exponent] = value.toExponential().split("e");
  if (Number(exponent) === 0) return lead;
  const raised = [...exponent].map((sign) => SUPERSCRIPTS[sign]).join("");
  return `${lead === "1" ? "" : `${lead}·`}10${raised}`;
}

// The nearest of 1, 2, 5, 10, ... that is not below.
function nice(step) {
  const ten = 10 ** Math.floor(Math.log10(step));
  return Number((ten * [1, 2, 5, 10].find((k) => k * ten >= step * (1 - 1e-9))).toPrecision(1));
}

function tick(value, step, peak) {
  if (value === 0) return "0";
  const place = (v) => Math.floor(Math.log10(Math.abs(v)) + 1e-9);
  const sign = value < 0 ? "−" : "";
  if (peak >= 1e6 || (peak < 1e-2 && step < 0.99e-4)) {
    return sign + exponent(Math.abs(value), Math.max(0, place(value) - place(step)));
  }
  return sign + Math.abs(value).toFixed(Math.min(Math.max(0, -place(step)), 12));
}

// A few digits, as Python's %g writes them; whole numbers in full, while float32 has them all.
function number(value, digits = 4) {
  if (Number.isNaN(value)) return "NaN";
  const [size, sign] = [Math.abs(value), value < 0 ? "−" : ""];
  if (size === Infinity) return `${sign}inf`;
  if (Number.isInteger(size) && size <= 2 ** 24) return size ? sign + size : "0";
  const near = Number(size.toPrecision(digits));
  if (near < 1e-4 || near >= 1e6) return sign + exponent(size, digits - 1);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(near)));
  const text = size.toFixed(decimals);
  return sign + (decimals ? text.replace(/\.?0+$/, "") : text);
}

function say(value) {
  return value === undefined ? "–" : number(value);
}

function exponent(size, digits) {
  const [lead, power] = size.toExponential(digits).split("e");
  const short = lead.includes(".") ? lead.replace(/\.?0+$/, "") : lead;
  return `${short}e${power[0]}${power.slice(1).padStart(2, "0")}`;
}

const pen = document.createElement("canvas").getContext("2d");

const counts = new Map();

// 0 to n - 1; one row for every line of that length.
function counting(n) {
  if (!counts.has(n)) {
    if (counts.size > 20) counts.clear();
    counts.set(n, Float32Array.from({ length: n }, (_, i) => i));
  }
  return counts.get(n);
}

function floats(packed) {
  const letters = atob(packed);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = letters.charCodeAt(i);
  return new Float32Array(bytes.buffer);
}

const texts = [];

// The text of a number of tenths.
function tenths(k) {
  if (k < 0 || k > 3e4) return String(k / 10);
  return (texts[k] ??= String(k / 10));
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function kindOf({ colour, shape: kind, faint, strong }) {
  return `${kind === "points" ? "points" : "curve"} c${colour}${faint ? " faint" : ""}${strong ? " strong" : ""}`;
}

function swatch({ colour, dash, shape: kind, dot, faint, strong }) {
  const dots = kind === "points";
  const mark = shape("path", {
    class: kindOf({ colour, shape: kind, faint, strong }), d: dots ? `M6 6${dot}` : "M1 6H27",
  });
  if (dash && !dots) mark.setAttribute("stroke-dasharray", dash);
  const box = { class: `swatch${dots ? " dot" : ""}`, viewBox: `0 0 ${dots ? 12 : 28} 12` };
  return shape("svg", { ...box, "aria-hidden": "true" }, mark);
}

function path(kind, d) {
  return `<path class="${kind}" d="${d}"/>`;
}

function text(x, y, words, kind) {
  return `<text x="${round(x)}" y="${round(y)}" class="${kind}">${escape(words)}</text>`;
}

function escape(words) {
  return words.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

