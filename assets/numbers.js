// The numbers: a loupe whose two pictures are tables. An entry of the input may be typed over; the
// whole table then goes to Python, and what torch makes of it comes back.

const LARGEST = 56; // side of a cell, in CSS pixels
const LONGEST = 520; // side of a table
const LEGIBLE = 30; // a smaller cell shows its shade alone
const ROOMY = 44; // a cell as large has room for a weight too
const SMALLEST_TEXT = 8;
const LARGEST_TEXT = 15;
const DIGIT_EM = 0.53; // width of a digit

class Numbers extends Loupe {
  constructor(root) {
    super(root);
    this.by = "thickness";
    this.most = SHOWN;
    this.problem = root.querySelector(".problem");
    this.drafts = new Map(); // entries on their way to Python and back, by place
    this.edits = new Edits();
  }

  // ---- Cells.

  update(data) {
    if (!this.edits.late(data)) this.drafts.clear();
    super.update(data);
  }

  name() {
    for (const side of [this.in, this.out]) {
      const [rows, columns] = side.shape;
      side.caption.replaceChildren(side.title, element("span", {}, `${rows} × ${columns}`));
      const alt = side === this.out ? `${this.data.alt} ` : "";
      side.face.ariaLabel = `${alt}${side.title}, ${rows} rows by ${columns} columns.`;
      const cell = Math.min(LARGEST, Math.floor(LONGEST / Math.max(rows, columns)));
      side.caption.parentElement.style.setProperty("--sheet", `${cell * columns}px`);
      side.face.style.setProperty("--columns", columns);
    }
  }

  lay(side) {
    const { face, id, shape: [rows, columns] } = side;
    const typed = id === "in" && this.data.editable;
    this.listen(side);
    side.rings = new Map();
    side.ringed = face;
    side.cells = [];
    const lines = Array.from({ length: rows }, (_, row) => {
      const cells = Array.from({ length: columns }, (_, column) => this.cell(side, row, column, typed));
      side.cells.push(...cells);
      return element("div", typed ? {} : { role: "row" }, ...cells);
    });
    face.replaceChildren(...lines);
    face.setAttribute("role", typed ? "group" : "grid");
    if (typed) {
      // The entries take the focus and the keys; a click is for typing.
      face.onclick = face.onfocus = face.onkeydown = null;
      face.removeAttribute("tabindex");
      this.drafts.clear();
      this.complain();
    } else face.tabIndex = 0;
    this.count(side, 10);
  }

  cell(side, row, column, typed) {
    if (!typed) {
      const id = `${side.id}-${row}-${column}`;
      return element("div", { class: "cell", role: "gridcell", id }, element("span", { class: "number" }));
    }
    const input = element("input", {
      type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", size: 1,
      class: "number", "aria-label": `row ${row}, column ${column}`,
    });
    const cell = element("div", { class: "cell" }, input);
    this.type(cell, input, row, column);
    return cell;
  }

  paint(side) {
    const { cells, pixels, range: [low, high] } = side;
    let longest = 1;
    cells.forEach((cell, i) => {
      const grey = lightness((pixels[i] - low) / (high - low));
      cell.style.background = `rgb(${grey} ${grey} ${grey})`;
      // Above this grey black has the greater contrast, at least 4.5 : 1; below it white has.
      cell.style.color = grey > 117 ? "#000" : "#fff";
      const text = digits(pixels[i]);
      const number = cell.firstChild;
      if (number.matches("input")) this.refill(cell, i);
      else number.textContent = text;
      longest = Math.max(longest, text.length);
    });
    side.longest = longest;
    this.fit(side);
  }

  measure() {
    for (const side of [this.in, this.out]) {
      side.width = side.face.clientWidth;
      if (side.cells) this.fit(side);
    }
  }

  // Text as large as the cells allow, or none.
  fit(side) {
    if (!side.width) return;
    const cell = side.width / side.shape[1];
    const room = (side === this.in && this.data.editable ? 0.74 : 0.9) * cell;
    const text = Math.min(LARGEST_TEXT, room / (DIGIT_EM * Math.max(side.longest, 3)));
    side.face.style.fontSize = `${text.toFixed(1)}px`;
    side.face.style.setProperty("--thick", Math.min(1, cell / ROOMY).toFixed(2));
    side.face.classList.toggle("shades", cell < LEGIBLE || text < SMALLEST_TEXT);
    side.face.classList.toggle("roomy", cell >= ROOMY);
  }

  // ---- What is typed.

  type(cell, input, row, column) {
    const place = row * this.in.shape[1] + column;
    // All of the cell is to be clicked. A click would put the caret where it falls, and so undo the
    // selection.
    cell.onmousedown = (event) => {
      if (event.target === input && input.matches(":focus")) return;
      event.preventDefault();
      input.focus();
    };
    input.onfocus = () => {
      if (!cell.wrong) this.write(cell, exact(this.entry(place)));
      input.select();
      if (!this.pinned) this.choose({ side: "in", row, column });
    };
    input.onblur = () => {
      this.commit(cell, place);
      if (!cell.wrong) this.write(cell, digits(this.entry(place)));
    };
    input.oninput = () => {
      if (cell.wrong && this.allows(input.value)) this.complain(cell, false);
    };
    input.onkeydown = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      const whole = input.selectionEnd - input.selectionStart === input.value.length;
      if (event.key === "Enter") {
        this.commit(cell, place);
        input.select();
      } else if (event.key === "Escape" && (cell.wrong || input.value !== cell.text)) {
        event.stopPropagation();
        this.complain(cell, false);
        this.write(cell, exact(this.entry(place)));
        input.select();
      } else if (step && (step[0] || whole)) {
        // Sideways only while nothing is typed: then the arrows move the caret.
        const [rows, columns] = this.in.shape;
        const next = clamp(row + step[0], rows) * columns + clamp(column + step[1], columns);
        this.in.cells[next].firstChild.focus();
      } else return;
      event.preventDefault();
    };
  }

  // The entry as it will be once Python has answered.
  entry(place) {
    return this.drafts.get(place) ?? this.data.in.entries[place];
  }

  allows(text) {
    const value = parse(text);
    return value >= this.data.minimum && value <= this.data.maximum;
  }

  commit(cell, place) {
    const text = cell.firstChild.value;
    if (text === cell.text) return;
    this.complain(cell, !this.allows(text));
    if (cell.wrong) return;
    const value = parse(text);
    const changed = value !== this.entry(place);
    if (changed) this.drafts.set(place, value);
    this.write(cell, exact(value));
    if (!changed) return;
    cell.value = value;
    const [rows, columns] = this.in.shape;
    this.edits.send(this.trigger, Array.from({ length: rows }, (_, row) =>
      Array.from({ length: columns }, (_, column) => this.entry(row * columns + column))));
  }

  write(cell, text) {
    cell.text = cell.firstChild.value = text;
  }

  // New numbers from Python leave alone what the reader is typing.
  refill(cell, place) {
    const input = cell.firstChild;
    const value = this.entry(place);
    const news = value !== cell.value;
    cell.value = value;
    if (cell.text !== undefined && input.value !== cell.text && !news) return;
    if (input.matches(":focus")) {
      if (!news || input.value !== cell.text) return;
      this.write(cell, exact(value));
      input.select();
    } else {
      this.complain(cell, false);
      this.write(cell, digits(value));
    }
  }

  complain(cell, wrong) {
    if (cell) {
      cell.wrong = wrong;
      cell.classList.toggle("wrong", wrong);
      const input = cell.firstChild;
      input.ariaInvalid = String(wrong);
      if (wrong) input.setAttribute("aria-describedby", "problem");
      else input.removeAttribute("aria-describedby");
    }
    const any = this.in.cells.some((other) => other.wrong);
    const text = any ? `Enter ${this.data.rule}.` : "";
    if (this.problem.textContent !== text) this.problem.textContent = text;
  }

  // ---- What is shown of the choice.

  show(here, there, links) {
    this.ring(here, []);
    this.ring(there, links);
    this.mark?.classList.remove("chosen");
    this.mark?.removeAttribute("aria-selected");
    const { row, column } = this.chosen;
    this.mark = here.cells[row * here.shape[1] + column];
    this.mark.classList.add("chosen");
    for (const { face } of [this.in, this.out]) face.removeAttribute("aria-activedescendant");
    if (!this.mark.id) return;
    this.mark.setAttribute("aria-selected", "true");
    here.face.setAttribute("aria-activedescendant", this.mark.id);
  }

  ring(side, links) {
    for (const cell of side.rings.values()) {
      cell.classList.remove("positive", "negative", "lit");
      cell.querySelector(".weight").textContent = "";
    }
    side.rings.clear();
    for (const { row, column, weight } of links) {
      const cell = side.cells[row * side.shape[1] + column];
      cell.classList.add(weight < 0 ? "negative" : "positive");
      cell.style.setProperty("--share", (Math.abs(weight) / this.strongest).toFixed(3));
      const note = cell.querySelector(".weight") ??
        cell.appendChild(element("small", { class: "weight", "aria-hidden": "true" }));
      note.textContent = `×${this.factor(weight)}`;
      side.rings.set(`${row},${column}`, cell);
    }
  }

  aim() {} // tables need no lines between them

  amount(value) {
    return digits(value);
  }

  // As many decimals as it takes, if four digits do; else three.
  factor(weight) {
    const short = Number(weight.toPrecision(4));
    return Math.abs(short - weight) <= 1e-6 * Math.abs(weight) ? digits(weight) : number(weight);
  }
}

// Up to four significant digits, no zeros behind them; an exponent where it would be long.
function digits(value) {
  const size = Math.abs(value);
  if (size === 0) return "0";
  const short = Number(value.toPrecision(4));
  const text = size >= 1e4 || size < 1e-3 ? short.toExponential().replace("e+", "e") : String(short);
  return text.replaceAll("-", "−");
}

// What the reader types over: every digit.
function exact(value) {
  return String(value);
}

// A decimal comma is as good as a point: some keyboards have nothing else. NaN if it is no number.
function parse(text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}
