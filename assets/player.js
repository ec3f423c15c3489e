// The player: a run that Python has computed, shown one frame at a time.
//
// All frames lie on one sheet; a canvas shows one of them, one canvas pixel per picture pixel, and
// CSS enlarges it. Everything on screen follows from `step` and `playing`. Nothing is sent back.

const SLOW_FPS = 2; // for readers who prefer reduced motion
const LARGEST = 320; // side of a picture on screen, in CSS pixels
const UNSEEN = { "aria-hidden": "true" };

class Player {
  constructor(root) {
    for (const part of ["title", "frame", "reference", "play", "range", "count", "caption", "charts"]) {
      this[part] = root.querySelector(`.${part}`);
    }
    this.root = root;
    this.step = 0;
    this.playing = false;
    this.reduced = matchMedia("(prefers-reduced-motion: reduce)");
    this.moves = {
      first: () => 0, previous: () => this.step - 1, next: () => this.step + 1, last: () => this.end,
    };
    for (const [name, target] of Object.entries(this.moves)) {
      this.moves[name] = root.querySelector(`.${name}`);
      this.moves[name].onclick = () => this.jump(target());
    }
    this.play.onclick = () => this.run(!this.playing);
    this.range.oninput = () => this.jump(this.range.valueAsNumber);
    this.range.onkeydown = (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      if (!event.repeat) this.run(!this.playing);
    };
    this.onHidden = () => document.hidden && this.run(false);
    document.addEventListener("visibilitychange", this.onHidden);
  }

  close() {
    cancelAnimationFrame(this.request);
    document.removeEventListener("visibilitychange", this.onHidden);
  }

  // ---- What the reader does.

  jump(step) {
    this.step = Math.min(Math.max(step, 0), this.end);
    this.run(false);
  }

  run(playing) {
    cancelAnimationFrame(this.request);
    this.playing = playing && this.end > 0;
    if (this.playing) {
      if (this.step === this.end) this.step = 0;
      let last = performance.now();
      const tick = (now) => {
        const interval = 1000 / (this.reduced.matches ? SLOW_FPS : this.data.fps);
        if (now - last >= interval) {
          last = Math.max(last + interval, now - interval); // in step, but no rush after a stall
          this.step += 1;
          if (this.step >= this.end) return this.run(false);
          this.draw();
        }
        this.request = requestAnimationFrame(tick);
      };
      this.request = requestAnimationFrame(tick);
    }
    this.draw();
  }

  // ---- What Python sends.

  update(data) {
    const { sheet, reference, curves, captions, step_name: name } = data;
    if (this.data?.sheet.count !== sheet.count) {
      this.step = 0;
      this.playing = false;
      cancelAnimationFrame(this.request);
    }
    this.data = data;
    this.end = sheet.count - 1;
    this.root.ariaLabel = `${data.title}: player`;
    this.root.style.setProperty("--dot", `${1 / devicePixelRatio}px`);
    this.title.replaceChildren(data.title, span(sheet.shape.join(" × ")));
    this.frame.ariaLabel = data.alt;
    fit(this.frame, sheet.shape);
    this.load(sheet.uri);
    this.reference.hidden = !reference;
    if (reference) {
      const [caption, image] = this.reference.children;
      caption.replaceChildren(reference.title, span(reference.shape.join(" × ")));
      Object.assign(image, { src: reference.uri, alt: reference.title });
      fit(image, reference.shape);
    }
    for (const [move, button] of Object.entries(this.moves)) {
      button.title = button.ariaLabel = `${capital(move)} ${name}`;
    }
    this.range.max = this.end;
    this.count.style.minWidth = `${2 * String(this.end).length + 2}ch`;
    this.range.previousElementSibling.textContent = capital(name);
    // The longest caption holds the place, lest the page below jump from frame to frame.
    this.caption.dataset.longest = captions.reduce((a, b) => (b.length > a.length ? b : a));
    const palette = getComputedStyle(this.root).getPropertyValue("--st-chart-categorical-colors");
    this.root.style.setProperty("--curve", palette.split(",")[0]);
    this.curves = curves.map((curve) => this.curve(curve, name));
    this.charts.replaceChildren(...this.curves.map(({ figure }) => figure));
    this.draw();
  }

  // The old picture stays until the new one can be drawn.
  async load(uri) {
    if (uri === this.uri) return;
    this.uri = uri;
    this.image = null;
    const image = new Image();
    image.src = uri;
    await image.decode();
    if (uri !== this.uri) return;
    this.image = image;
    const [height, width] = this.data.sheet.shape;
    Object.assign(this.frame, { width, height });
    this.draw();
  }

  // A line of the whole run, a second one up to now, and a dot at now. The drawing is stretched to
  // its box: x is the step, y runs from 0 at the top to 1.
  curve({ name, values, log }, step_name) {
    const known = values.map((value) => (log && value <= 0 ? null : value));
    const numbers = known.filter((value) => value !== null);
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    const scale = log ? Math.log10 : Number;
    const y = (value) => (high > low ? (scale(high) - scale(value)) / (scale(high) - scale(low)) : 0.5);
    const ys = known.map((value) => (value === null ? null : y(value).toFixed(4)));
    const points = ys.map((y, x) => {
      if (y === null) return "";
      return x > 0 && ys[x - 1] !== null ? `L${x} ${y}` : `M${x} ${y}h0`;
    });
    const parts = ["edges", "whole", "past", "now", "halo", "dot"];
    const paths = Object.fromEntries(parts.map((part) => [part, shape("path", { class: part })]));
    const end = Math.max(this.end, 1);
    paths.edges.setAttribute("d", `M0 0H${end}M0 1H${end}`);
    paths.whole.setAttribute("d", points.join(""));
    const box = { viewBox: `0 0 ${end} 1`, preserveAspectRatio: "none", ...UNSEEN };
    const plot = element("div", { class: "plot", role: "img", "data-testid": "player-chart" },
      shape("svg", box, ...Object.values(paths)));
    plot.ariaLabel = numbers.length
      ? `${name} by ${step_name}${log ? ", logarithmic" : ""}: ${short(values[0])} at first, ` +
        `${short(values.at(-1))} at last; smallest ${short(low)}, largest ${short(high)}.`
      : `${name}: no values.`;
    plot.onclick = ({ clientX }) => {
      const { left, width } = plot.firstChild.getBoundingClientRect();
      this.jump(Math.round(((clientX - left) / width) * this.end));
    };
    plot.onpointermove = (event) => {
      if (event.pointerType === "mouse" && event.buttons === 1) plot.onclick(event);
    };
    const value = element("span", { class: "value" });
    const ticks = numbers.length ? (high > low ? [short(high), short(low)] : [short(low)]) : [];
    const figure = element("figure", { class: "chart" },
      element("figcaption", {}, name, span(log ? "log scale" : ""), value),
      element("div", { class: "ys", ...UNSEEN }, ...ticks.map(span)),
      plot,
      element("div", { class: "xs", ...UNSEEN }, ...[0, step_name, this.end].map(span)),
    );
    const draw = (step) => {
      paths.past.setAttribute("d", points.slice(0, step + 1).join(""));
      paths.now.setAttribute("d", `M${step} 0V1`);
      const at = ys[step] === null ? "" : `M${step} ${ys[step]}h0`;
      for (const part of ["halo", "dot"]) paths[part].setAttribute("d", at);
      value.textContent = short(values[step]);
    };
    return { figure, draw };
  }

  // ---- What follows from both.

  draw() {
    const { step, end, playing, root, play, count, range, image } = this;
    const { rows, shape: [height, width] } = this.data.sheet;
    if (image) {
      const [x, y] = [Math.floor(step / rows) * width, (step % rows) * height];
      this.frame.getContext("2d").drawImage(image, x, y, width, height, 0, 0, width, height);
    }
    count.ariaLive = playing ? "off" : "polite"; // twelve numbers a second are no news
    count.textContent = `${step} / ${end}`;
    range.value = step;
    range.ariaValueText = `${step} of ${end}`;
    play.lastElementChild.textContent = playing ? "Pause" : "Play";
    for (const [name, at] of [["first", 0], ["previous", 0], ["next", end], ["last", end]]) {
      this.moves[name].ariaDisabled = String(step === at);
    }
    this.caption.firstElementChild.textContent = this.data.captions[step];
    for (const curve of this.curves) curve.draw(step);
    Object.assign(root.dataset, { step, playing });
  }
}

function fit({ style }, [height, width]) {
  style.setProperty("--width", width);
  style.setProperty("--most", `${LARGEST * Math.min(1, width / height)}px`);
  style.aspectRatio = `${width} / ${height}`;
}

function span(text) {
  return element("span", {}, text);
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// Three digits, an exponent where zeros would pile up, a true minus.
function short(value) {
  if (value === null) return "none";
  const far = value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5);
  return (far ? value.toExponential(1) : String(Number(value.toPrecision(3)))).replaceAll("-", "−");
}

