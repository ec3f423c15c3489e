// Points in a plane. Every place comes from Python; a point that is dragged, or moved by keys, is
// sent back when it is let go. Python then says what follows from it.

const SIDE = 340;
const STEP = 0.1;
const LEAP = 0.5;
const SEND_AFTER_MS = 400; // where a key's release is never told

class Points {
  constructor(root) {
    for (const part of ["title", "plane", "picture", "handles", "hint", "live"]) {
      this[part] = root.querySelector(`.${part}`);
    }
    this.root = root;
    this.places = [];
    this.grips = [];
    this.held = null; // {at, before, lift, pointer}
    this.edits = new Edits();
    this.known = ""; // what Python has, as far as is known here
    this.dirty = false;
    this.plane.setAttribute("viewBox", `0 0 ${SIDE} ${SIDE}`);
    this.listen();
  }

  close() {
    clearTimeout(this.sender);
  }

  listen() {
    const { handles, plane, root } = this;
    handles.onpointerdown = (event) => {
      const grip = event.target.closest(".point");
      if (!grip || !this.data.editable || event.button !== 0 || this.held) return;
      event.preventDefault();
      grip.focus({ preventScroll: true });
      grip.setPointerCapture(event.pointerId);
      grip.classList.add("held");
      const at = Number(grip.dataset.at);
      const [x, y] = this.under(event);
      const before = this.places[at];
      this.held = { at, grip, before, lift: [before[0] - x, before[1] - y], pointer: event.pointerId };
    };
    plane.onpointermove = (event) => {
      if (!this.held || event.pointerId !== this.held.pointer) return;
      const [x, y] = this.under(event);
      this.move(this.held.at, [x + this.held.lift[0], y + this.held.lift[1]]);
    };
    // touch-action alone does not keep every browser from scrolling under a shape of an SVG.
    const stay = (event) => this.data.editable && event.preventDefault();
    handles.addEventListener("touchstart", stay, { passive: false });
    handles.onpointerup = () => this.drop(true);
    handles.onpointercancel = () => this.drop(false);
    handles.onlostpointercapture = () => this.drop(true);
    handles.onkeydown = (event) => {
      const grip = event.target.closest(".point");
      if (!grip || !this.data.editable || event.ctrlKey || event.metaKey || event.altKey) return;
      const far = event.shiftKey ? LEAP : STEP;
      const way = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, far], ArrowDown: [0, -far] }[event.key];
      if (!way) return;
      event.preventDefault();
      const at = Number(grip.dataset.at);
      this.move(at, this.places[at].map((value, axis) => value + way[axis]));
      clearTimeout(this.sender);
      this.sender = setTimeout(() => this.send(), SEND_AFTER_MS);
    };
    // Keys tell when they are let go, as a pointer does.
    handles.onkeyup = () => this.send();
    handles.onfocusout = () => this.send();
    root.onkeydown = (event) => {
      if (event.key !== "Escape" || !this.held) return;
      event.stopPropagation();
      this.drop(false);
    };
  }

  // The place under the pointer, at any zoom of the page.
  under({ clientX, clientY }) {
    const { left, top, width, height } = this.plane.getBoundingClientRect();
    const { reach } = this.data;
    return [((clientX - left) / width) * 2 * reach - reach, reach - ((clientY - top) / height) * 2 * reach];
  }

  move(at, place) {
    const { reach } = this.data;
    const next = place.map((value) => Math.min(Math.max(Math.round(value * 10) / 10, -reach), reach) + 0);
    if (String(next) === String(this.places[at])) return;
    this.places[at] = next;
    this.dirty = true;
    this.draw();
    this.live.textContent = this.said(at);
  }

  drop(keep) {
    if (!this.held) return;
    const { at, grip, before, pointer } = this.held;
    this.held = null;
    grip.classList.remove("held");
    if (grip.hasPointerCapture(pointer)) grip.releasePointerCapture(pointer);
    if (!keep) {
      this.places[at] = before;
      this.dirty = false;
      this.draw();
    }
    this.send();
  }

  send() {
    clearTimeout(this.sender);
    if (!this.dirty || this.held) return;
    this.dirty = false;
    this.known = String(this.places);
    this.edits.send(this.trigger, [...this.places]);
  }

  update(data) {
    this.data = data;
    this.title.textContent = data.title;
    this.picture.ariaLabel = data.alt;
    this.hint.textContent = data.editable
      ? "Drag a point, or focus it and press the arrow keys; with Shift five steps."
      : "";
    this.take(data.groups.flatMap((group) => group.points));
    this.make();
    this.draw();
  }

  // What Python made before it saw the last edit is no news; nor is what it has where there is an edit
  // still to send; nor may either move the point under the finger.
  take(places) {
    const same = places.length === this.places.length;
    const late = this.edits.late(this.data);
    const kept = same && (late || this.held || (this.dirty && String(places) === this.known));
    if (!late) this.known = String(places);
    if (kept) return;
    this.dirty = false;
    this.places = places;
  }

  // One group after the other; kept as long as the points are the same, for a focus outlives data.
  make() {
    const { groups, editable } = this.data;
    const names = [];
    let at = 0;
    for (const [number, { name, points, drawn }] of groups.entries()) {
      for (let index = 0; index < drawn; index++) names.push([`${name}[${index}]`, at + index, number]);
      at += points.length;
    }
    const wanted = String([editable, names]);
    if (wanted === this.made) return;
    this.made = wanted;
    this.grips = names.map(([name, place, number]) => {
      const sign = number
        ? shape("rect", { class: "mark", x: -5.5, y: -5.5, width: 11, height: 11 })
        : shape("circle", { class: "mark", r: 9 });
      const grip = shape("g", { class: "point", "data-at": place, "data-name": name },
        shape("circle", { class: "grip", r: 16 }), shape("circle", { class: "ring", r: 12 }), sign,
        shape("text", {}));
      if (number) grip.classList.add("second");
      if (editable) {
        grip.classList.add("editable");
        fill(grip, { tabindex: 0, role: "button", "aria-roledescription": "point", "data-testid": "points-point" }, []);
      }
      grip.lastChild.textContent = name;
      return grip;
    });
    this.handles.replaceChildren(...this.grips);
  }

  said(at) {
    const grip = this.grips.find((each) => Number(each.dataset.at) === at);
    const [right, up] = this.places[at].map((value) => value.toFixed(1));
    return `${grip.dataset.name} at ${right}, ${up}`;
  }

  x(value) {
    return (SIDE / 2) * (1 + value / this.data.reach);
  }

  y(value) {
    return (SIDE / 2) * (1 - value / this.data.reach);
  }

  draw() {
    const { reach } = this.data;
    const half = SIDE / 2;
    const ends = [[], []];
    for (const grip of this.grips) {
      const at = Number(grip.dataset.at);
      const [right, up] = this.places[at];
      const [x, y] = [this.x(right), this.y(up)];
      ends[grip.classList.contains("second") ? 1 : 0].push([x, y]);
      grip.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      if (this.data.editable) grip.setAttribute("aria-label", this.said(at));
      // Beside the point, and inside the plane.
      const words = grip.lastChild;
      words.setAttribute("x", x > SIDE - 48 ? -12 : 12);
      // One group above and one below, or one would hide the other where two points are one.
      words.setAttribute("y", grip.classList.contains("second") ? (y > SIDE - 20 ? -6 : 16) : y < 20 ? 14 : -6);
      words.setAttribute("text-anchor", x > SIDE - 48 ? "end" : "start");
    }
    const d = ends[0].flatMap(([x, y]) => ends[1].map(([u, v]) => `M${x} ${y}L${u} ${v}`)).join("");
    const label = shape("text", { class: "reach", x: SIDE - 4, y: half - 4, "text-anchor": "end" });
    label.textContent = `${reach}`;
    this.picture.replaceChildren(
      shape("path", { class: "axis", d: `M0 ${half}H${SIDE}M${half} 0V${SIDE}` }),
      shape("path", { class: "pairs", d }),
      label,
    );
  }
}
