// The stepper: calls, one after another, over a drawing whose parts light up. Python has made them.
//
// Everything on screen follows from `step`, `call` and `playing`. Nothing is sent back. Steps that
// make the same calls with the same outcome share one sequence.

const PER_SECOND = 3; // calls
const SLOW_PER_SECOND = 1; // for readers who prefer reduced motion

class Stepper {
  constructor(root) {
    for (const part of ["title", "drawing", "calls", "play", "range", "words", "facts"]) {
      this[part] = root.querySelector(`.${part}`);
    }
    this.root = root;
    this.playing = false;
    this.moved = false; // by the reader
    this.moves = {
      back: () => this.go(this.call ? this.step : this.step - 1, 0),
      previous: () => this.call ? this.go(this.step, this.call - 1) : this.go(this.step - 1, Infinity),
      next: () => this.advance(),
      on: () => this.go(this.step + 1, 0),
    };
    this.buttons = {};
    for (const [name, move] of Object.entries(this.moves)) {
      this.buttons[name] = root.querySelector(`.${name}`);
      this.buttons[name].onclick = () => this.act(move);
    }
    this.play.onclick = () => this.run(!this.playing);
    this.range.oninput = () => {
      const wanted = this.range.valueAsNumber; // read before anything is drawn
      this.act(() => this.go(wanted, this.call));
    };
    this.calls.onclick = (event) => {
      const button = event.target.closest("button");
      if (button) this.act(() => this.go(this.step, Number(button.dataset.call)));
    };
    this.onHidden = () => document.hidden && this.run(false);
    document.addEventListener("visibilitychange", this.onHidden);
    // Charts and steppers of a group read one x.
    this.onShared = ({ detail: { group, x, from } }) => {
      if (from === this.root || !group || group !== this.data?.group || this.playing) return;
      this.moved = true;
      this.go(Math.round(x), this.call);
      this.draw();
    };
    document.addEventListener(SHARED, this.onShared);
  }

  close() {
    clearTimeout(this.timer);
    document.removeEventListener("visibilitychange", this.onHidden);
    document.removeEventListener(SHARED, this.onShared);
  }

  // ---- What the reader does.

  act(move) {
    this.run(false);
    this.moved = true;
    move();
    this.words.ariaLive = "polite";
    this.draw();
    this.share();
  }

  run(playing) {
    clearTimeout(this.timer);
    this.playing = playing;
    this.moved ||= playing;
    if (playing && this.atEnd()) this.go(0, 0);
    // Three sentences a second are no news.
    this.words.ariaLive = playing ? "off" : this.words.ariaLive;
    const tick = () => {
      this.advance();
      if (this.atEnd()) this.playing = false;
      this.draw();
      this.share();
      if (this.playing) this.wait(tick);
    };
    if (playing) this.wait(tick);
    this.draw();
  }

  wait(tick) {
    const slow = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.timer = setTimeout(tick, 1000 / (slow ? SLOW_PER_SECOND : PER_SECOND));
  }

  advance() {
    if (this.call < this.sequence().length - 1) this.call++;
    else if (this.step < this.end) [this.step, this.call] = [this.step + 1, 0];
  }

  go(step, call) {
    if (step < 0) call = 0;
    if (step > this.end) call = Infinity;
    this.step = Math.min(Math.max(step, 0), this.end);
    this.call = Math.min(Math.max(call, 0), this.sequence().length - 1);
  }

  share() {
    const { data: { group }, step: x, root: from } = this;
    if (!group) return;
    document.dispatchEvent(new CustomEvent(SHARED, { detail: { group, x, pinned: true, from } }));
  }

  // ---- What Python sends.

  update(data) {
    const { title, alt, drawing, start, steps, step_name: name } = data;
    this.data = data;
    this.end = steps.length - 1;
    this.root.ariaLabel = title;
    this.title.textContent = title;
    if (drawing !== this.drawn) {
      this.drawn = drawing;
      this.drawing.innerHTML = drawing;
      this.parts = [...this.drawing.querySelectorAll("[data-part]")];
    }
    this.alt = alt;
    if (this.moved) this.go(this.step, this.call);
    else this.go(...start);
    const words = { back: `Back to the ${name}'s start`, previous: "Previous call", next: "Next call", on: `Next ${name}` };
    for (const [move, button] of Object.entries(this.buttons)) button.title = button.ariaLabel = words[move];
    const single = this.end === 0;
    for (const part of [this.range.parentElement, this.buttons.back, this.buttons.on]) part.hidden = single;
    this.range.max = this.end;
    this.draw();
  }

  sequence() {
    return this.data.sequences[this.data.steps[this.step][0]];
  }

  atEnd() {
    return this.step === this.end && this.call === this.sequence().length - 1;
  }

  // ---- What follows from both.

  draw() {
    const { step, call, data, end, playing } = this;
    const sequence = this.sequence();
    const [name, code, lit, words, refused] = sequence[call];
    if (sequence !== this.listed) {
      this.listed = sequence;
      this.calls.replaceChildren(...sequence.map(([text, , , , bad], index) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = bad ? `${text} ✗` : text;
        button.dataset.call = index;
        button.classList.toggle("refused", bad);
        const item = document.createElement("li");
        item.append(button);
        return item;
      }));
    }
    [...this.calls.children].forEach(({ firstChild }, index) => {
      if (index === call) firstChild.setAttribute("aria-current", "step");
      else firstChild.removeAttribute("aria-current");
    });
    for (const part of this.parts) part.classList.toggle("lit", lit.includes(part.dataset.part));
    this.drawing.ariaLabel = `${this.alt} Now: ${name}${refused ? ", which torch refuses" : ""}, ${lit.at(-1)}.`;
    const [bold, plain] = this.words.children;
    bold.textContent = code;
    plain.textContent = words;
    this.facts.textContent = data.steps[step][1];
    this.facts.hidden = !data.steps[step][1];
    this.range.value = step;
    const noun = data.step_name.charAt(0).toUpperCase() + data.step_name.slice(1);
    this.range.previousElementSibling.textContent = `${noun} ${step}`;
    this.play.lastElementChild.textContent = playing ? "Pause" : "Play";
    const [first, last] = [step === 0 && call === 0, this.atEnd()];
    for (const [move, off] of [["back", first], ["previous", first], ["next", last], ["on", last]]) {
      this.buttons[move].ariaDisabled = String(off);
    }
    Object.assign(this.root.dataset, { step, call, playing, of: end });
  }
}

