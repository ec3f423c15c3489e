// The scratchpad: a stage whose program a reader writes. In the place of the program's listing stands
// a box to type in until it has run; then the listing, until the reader goes on writing.
//
// What was typed stays in the tab (`sessionStorage`) through a reload, a lost connection and the
// choice of another program. Python hears of it when it is to run.

const KEPT_BY = "torch-loupe-pad";
const MOST_OLDER = 5; // programs that were typed and put aside
const LEAST_LINES = 12; // that the box shows
const INDENT = "    ";
const NEARLY = 0.8; // of the letters a program may have: from here they are counted

class Pad extends Stage {
  constructor(root) {
    super(root);
    const button = (words, title, act, kind = "") => {
      const made = element("button", { type: "button", class: kind, title }, words);
      made.onclick = act;
      return made;
    };
    this.box = element("textarea", {
      "aria-label": "Program", "aria-describedby": "pad-refusal pad-hint", autocapitalize: "off",
      autocomplete: "off", autocorrect: "off", "data-testid": "pad-box", spellcheck: "false", wrap: "off",
    });
    this.gutter = element("div", { class: "gutter", "aria-hidden": "true" });
    this.mark = element("div", { class: "mark", "aria-hidden": "true" });
    this.pen = element("div", { class: "pen" }, this.gutter, element("div", { class: "sheet" }, this.mark, this.box));
    this.runner = button("▶ Run", "Ctrl+Enter", () => this.send(), "main");
    this.editor = button("✎ Edit this program", "E", () => this.edit(), "main");
    this.shower = button("Back to the run", "Escape", () => this.watch());
    this.returner = button("Back to what you typed", "It was put aside", () => this.back());
    this.state = element("span", { class: "pad-state", role: "status", "data-testid": "pad-state" });
    this.tools = element("div", { class: "tools" }, this.runner, this.editor, this.shower, this.returner, this.state);
    this.refusal = element("p", { class: "refusal", id: "pad-refusal", role: "alert", "data-testid": "pad-refusal" });
    this.tip = element("p", { class: "hint tip", id: "pad-hint" });
    this.code.before(this.tools, this.pen, this.refusal, this.tip);
    this.box.oninput = () => this.typed();
    this.box.onscroll = () => this.follow();
    this.code.ondblclick = ({ target }) => this.edit(Number(target.closest("li")?.dataset.line));
    this.older = [];
  }

  close() {
    clearTimeout(this.asking);
    super.close();
  }

  // ---- What the reader does.

  press(event) {
    const { target, key } = event;
    const held = event.ctrlKey || event.metaKey;
    if (key === "Enter" && held && !this.given.locked) {
      event.preventDefault();
      return this.send();
    }
    if (target === this.box) return held || event.altKey ? undefined : this.type(event);
    if (key.toLowerCase() === "e" && !held && !event.altKey && this.mayEdit()) {
      event.preventDefault();
      return this.edit();
    }
    if (this.run && !target.closest(".tools")) super.press(event);
  }

  // Enter keeps the indent and deepens it after a colon; Backspace takes a whole one. Tab leads on.
  type(event) {
    const { box } = this;
    const { selectionStart: at, selectionEnd: end, value } = box;
    const begin = value.lastIndexOf("\n", at - 1) + 1;
    const before = value.slice(begin, at);
    if (event.key === "Enter" && !event.isComposing) {
      const deeper = /:\s*(#.*)?$/.test(before) ? INDENT : "";
      this.insert(`\n${before.match(/^ */)[0]}${deeper}`);
    } else if (event.key === "Backspace" && at === end && before && !before.trim()) {
      box.setSelectionRange(at - ((before.length - 1) % INDENT.length) - 1, at);
      this.insert("");
    } else if (event.key === "Escape" && this.run) this.watch();
    else return;
    event.preventDefault();
  }

  // As if typed, so that the browser can undo it.
  insert(text) {
    const { box } = this;
    box.focus();
    if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
    box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
    this.typed();
  }

  typed() {
    this.mark.hidden = true;
    this.box.removeAttribute("aria-invalid");
    this.measure();
    this.keep();
    this.offer();
  }

  mayEdit() {
    return !this.given.locked && !this.editing;
  }

  edit(line) {
    if (!this.mayEdit()) return;
    this.show(true);
    const { box } = this;
    box.focus({ preventScroll: true });
    if (line) {
      const end = box.value.split("\n").slice(0, line).join("\n").length;
      box.setSelectionRange(end, end);
    }
    this.follow();
  }

  // Back to the stage, whatever was typed: it stays in the box.
  watch() {
    this.show(false);
    this.root.focus({ preventScroll: true });
  }

  send() {
    this.busy = true;
    this.say("Running…");
    // Tabs that indent are blanks from here on.
    const text = this.box.value.replace(/^[ \t]*\t[ \t]*/gm, (blank) => blank.replaceAll("\t", INDENT));
    this.trigger("run", text);
  }

  // What was put aside comes back, and what stands here is put aside.
  back() {
    const found = this.older.pop();
    if (found === undefined) return;
    this.aside();
    this.box.value = found;
    this.typed();
    this.edit();
  }

  // ---- What Python sends.

  update(data) {
    const first = this.given === undefined;
    const chosen = !first && data.turn !== this.given.turn;
    const ran = !first && data.ran !== this.given.ran;
    this.given = data;
    this.take(data, first, chosen);
    if (first || chosen || ran) this.busy = false;
    if (!this.busy || data.state) this.say(data.state);
    clearTimeout(this.asking);
    if (data.state) this.asking = setTimeout(() => this.trigger("wait", data.ticks), data.again);
    if (ran || chosen) {
      this.roll(false);
      this.moved = false;
      this.write(data.address, null);
    }
    const { title, runs, start, address } = data;
    if (runs.length) super.update({ title, runs, start, address });
    if (first || chosen || ran) this.settle(data);
    this.offer();
  }

  // The box holds what was typed, unless the page brings another program.
  take({ program }, first, chosen) {
    const { box } = this;
    const kept = first ? this.kept() : { base: this.base, text: box.value };
    if (first) this.older = kept?.older ?? [];
    const same = kept && (first ? kept.base === program : !chosen);
    if (!same) {
      if (kept) this.aside(kept);
      box.value = program;
      box.setSelectionRange(program.length, program.length);
    } else if (first) box.value = kept.text;
    this.base = program;
    this.measure();
    this.keep();
  }

  // After a run: the stage; after a refusal, or while more was typed: the box.
  settle({ refused, runs, program }) {
    const typing = this.root.contains(document.activeElement) || this.root.getRootNode().activeElement === this.box;
    const ready = Boolean(this.run) && !refused && (this.box.value === program || this.given.locked);
    this.refusal.textContent = refused ? refused.words : "";
    this.refusal.hidden = !refused;
    this.box.toggleAttribute("aria-invalid", false);
    this.mark.hidden = !refused?.line;
    this.show(!ready);
    if (refused) {
      this.box.setAttribute("aria-invalid", "true");
      this.mark.style.setProperty("--at", refused.line - 1);
      this.gutter.children[refused.line - 1]?.classList.add("bad");
      this.reveal(refused.line);
    } else if (ready && typing && runs.length) this.root.focus({ preventScroll: true });
  }

  // ---- What the tab keeps.

  kept() {
    try {
      const found = JSON.parse(sessionStorage.getItem(KEPT_BY));
      return typeof found?.text === "string" ? found : null;
    } catch {
      return null;
    }
  }

  keep() {
    const text = JSON.stringify({ base: this.base, text: this.box.value, older: this.older });
    try {
      sessionStorage.setItem(KEPT_BY, text);
    } catch {
      // A browser that keeps nothing keeps it here.
    }
  }

  // Put a program aside that was changed since the page brought it.
  aside({ base, text } = { base: this.base, text: this.box.value }) {
    if (text === base || !text.trim()) return;
    this.older = [...this.older.filter((other) => other !== text), text].slice(-MOST_OLDER);
  }

  // ---- What is drawn.

  show(editing) {
    this.editing = editing;
    this.root.dataset.editing = String(editing);
    this.offer();
    this.fit();
  }

  offer() {
    const { locked, most } = this.given;
    const other = this.box.value !== this.base;
    this.tools.hidden = this.box.readOnly = Boolean(locked);
    this.runner.hidden = !this.editing && !other;
    this.editor.hidden = this.editing;
    this.shower.hidden = !this.editing || !this.run;
    this.returner.hidden = !this.older.length;
    const { length } = this.box.value;
    const count = length > NEARLY * most ? ` ${length.toLocaleString("en")} of ${most.toLocaleString("en")} characters.` : "";
    const stale = this.run && this.run.lines.join("\n") !== this.box.value.trimEnd() ? " The tensors are those of the last run." : "";
    this.tip.textContent = `${locked ? "" : "Ctrl+Enter runs."}${stale}${count}`.trim();
    this.tip.hidden = !this.editing;
  }

  say(words) {
    if (this.state.textContent !== words) this.state.textContent = words;
  }

  measure() {
    const lines = this.box.value.split("\n").length;
    if (this.gutter.childElementCount !== lines) {
      this.gutter.replaceChildren(...range(lines).map((at) => element("div", {}, String(at + 1))));
    } else for (const number of this.gutter.querySelectorAll(".bad")) number.classList.remove("bad");
    this.pen.style.setProperty("--lines", Math.max(LEAST_LINES, lines + 1));
    this.follow();
  }

  follow() {
    this.pen.style.setProperty("--up", `${-this.box.scrollTop}px`);
  }

  reveal(line) {
    if (!line) return;
    const { box } = this;
    const high = box.scrollHeight / Math.max(1, box.value.split("\n").length);
    if (box.scrollHeight > box.clientHeight + 1) box.scrollTop = (line - 1) * high - box.clientHeight / 2;
    this.follow();
  }

  // A program of one's own has the room of a long line: the stage's width is the box's.
  listing() {
    super.listing();
    this.root.style.setProperty("--code", "56ch");
  }
}
