/* Keys, buttons, filters, progress and export. */
const TO_LABEL = { b: "body", a: "appeal", r: "related" };
const SEARCH_DELAY_MS = 150;
const BAR = document.querySelector(".bar");
const byId = (id) => document.getElementById(id);

const SAME_TEXT = Map.groupBy
  ? Map.groupBy(BLOCKS, (block) => block.text)
  : BLOCKS.reduce((map, block) => map.set(block.text, [...(map.get(block.text) ?? []), block]), new Map());
const DOUBTFUL = BLOCKS.filter((block) => block.worth > 0);

/** Make a block the current one and bring it into view; the focus goes along unless it is on the bar. */
function goTo(index) {
  if (index === undefined || index < 0) return;
  current = index;
  const made = markCurrent();
  if (!BAR.contains(document.activeElement)) made?.focus({ preventScroll: true });
  made?.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const at = place.get(current) ?? 0;
  goTo(shown[Math.max(0, Math.min(shown.length - 1, at + by))]);
}

/** Go to the nearest block worth a look that the person has not labelled, round the end of the list. */
function seek(by) {
  const at = place.get(current) ?? 0;
  for (let i = 1; i <= shown.length; i += 1) {
    const block = BLOCKS[shown[(at + by * i + i * shown.length) % shown.length]];
    if (block.worth > 0 && !stateOf(block)) return goTo(block.index);
  }
  say("No block worth a look is left in this list.");
}

/** Whether the current block is in the window; else what is labelled would not be what is looked at. */
function isInView() {
  const { top, bottom } = elementOf(current).getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}

/** Give blocks a label, tell what came of it, and go on by so many blocks. */
function label(indices, to, by) {
  if (current < 0) return;
  if (!isInView()) {
    goTo(current);
    say("This is the current block; nothing is labelled yet.");
    return;
  }
  const changed = WORK.label(indices.map((index) => [index, to]));
  refresh(changed);
  const what = indices.length === 1 ? `Block ${BLOCKS[indices[0]].position + 1}` : plural(changed.length, "block");
  say(to === null ? `${what}: your label is taken away.` : `${what} labelled ${to}. ${progressText()}`);
  step(by);
}

function sameText() {
  return SAME_TEXT.get(BLOCKS[current].text).map((block) => block.index);
}

/** The blocks of a document that are in the list without the person's label get the one they are shown with, in one step. */
function acceptRest(number) {
  const open = BLOCKS.filter((block) => block.document === number && place.has(block.index) && !stateOf(block));
  refresh(WORK.label(open.map((block) => [block.index, block.label])));
  say(`${plural(open.length, "block")} of ${DATA.documents[number].id} confirmed. ${progressText()}`);
}

function travel(indices, word) {
  refresh(indices);
  if (indices.length) goTo(indices.find((index) => place.has(index)));
  say(indices.length ? `${word}: ${plural(indices.length, "block")}. ${progressText()}` : `Nothing to ${word.toLowerCase()}.`);
}

const ACTIONS = {
  ...Object.fromEntries(DATA.labels.map((name) => [name, () => label([current], name, 1)])),
  undo: () => travel(WORK.undo(), "Undo"),
  redo: () => travel(WORK.redo(), "Redo"),
  next: () => seek(1),
  help: () => byId("help").showModal(),
};

const KEYS = {
  ArrowDown: () => step(1),
  ArrowUp: () => step(-1),
  Home: () => goTo(shown[0]),
  End: () => goTo(shown.at(-1)),
  Enter: () => label([current], labelOf(BLOCKS[current]), 1),
  Delete: () => label([current], null, 0),
  Backspace: () => label([current], null, 0),
  n: ACTIONS.next,
  p: () => seek(-1),
  u: ACTIONS.undo,
  U: ACTIONS.redo,
  d: () => acceptRest(BLOCKS[current].document),
  "/": () => byId("search").focus(),
  "?": ACTIONS.help,
  ...Object.fromEntries(Object.entries(TO_LABEL).map(([key, to]) => [key, ACTIONS[to]])),
  ...Object.fromEntries(Object.entries(TO_LABEL).map(([key, to]) => [key.toUpperCase(), () => label(sameText(), to, 1)])),
};

const CONTROL_KEYS = { z: ACTIONS.undo, y: ACTIONS.redo, Z: ACTIONS.redo };

/** Keys act while a block has the focus, and letters while the bar has it: Enter there presses a button. */
function onKey(event) {
  const onBlock = event.target.classList.contains("block");
  if (event.altKey || !(onBlock || (event.key.length === 1 && BAR.contains(event.target)))) return;
  const action = (event.ctrlKey || event.metaKey ? CONTROL_KEYS : KEYS)[event.key];
  if (!action || current < 0) return;
  event.preventDefault();
  action();
}
LIST.addEventListener("keydown", onKey);
BAR.addEventListener("keydown", onKey);
BAR.addEventListener("click", (event) => {
  const action = event.target.closest("button")?.dataset.do;
  if (action) ACTIONS[action]();
});
LIST.addEventListener("focusin", (event) => {
  if (!event.target.classList.contains("block")) return;
  current = Number(event.target.id.slice(1));
  markCurrent();
});
LIST.addEventListener("click", (event) => {
  const number = event.target.closest(".accept")?.dataset.document;
  if (number !== undefined) acceptRest(Number(number));
});

for (const name of ["show", "order"]) {
  byId(name).addEventListener("change", (event) => {
    VIEW[name] = event.target.value;
    current = -1;
    render();
    scrollTo(0, 0);
  });
}
let typing;
byId("search").addEventListener("input", (event) => {
  clearTimeout(typing);
  typing = setTimeout(() => {
    VIEW.search = event.target.value;
    render();
  }, SEARCH_DELAY_MS);
});
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter" || event.key === "ArrowDown") goTo(current);
});

byId("export").addEventListener("click", () => {
  const address = URL.createObjectURL(new Blob([exported()], { type: "application/jsonl" }));
  element("a", { href: address, download: "corrections.jsonl" }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  say(`${plural(WORK.labels.size, "label")} exported to corrections.jsonl.`);
});
addEventListener("storage", (event) => {
  if (event.key !== WORK.key) return;
  WORK.load();
  render();
  refresh([]);
});
addEventListener("beforeunload", (event) => {
  if (!WORK.stored && WORK.labels.size) event.preventDefault();
});

function nDone() {
  return DOUBTFUL.filter(stateOf).length;
}

function progressText() {
  const done = nDone();
  return `${FORMAT.format(done)} of ${plural(DOUBTFUL.length, "doubtful block")} done.`;
}

/** Show what has changed: the blocks themselves, the progress, what there is to export. */
function refresh(indices) {
  indices.forEach((index) => paint(BLOCKS[index]));
  const [n, changed] = [WORK.labels.size, BLOCKS.filter((block) => stateOf(block) === "changed").length];
  byId("progress-text").textContent = `${progressText()} ${plural(n, "label")}, ${FORMAT.format(changed)} changed`;
  Object.assign(byId("progress"), { max: DOUBTFUL.length || 1, value: DOUBTFUL.length ? nDone() : 1 });
  Object.assign(byId("export"), { disabled: !n, textContent: n ? `Export ${plural(n, "label")}` : "Export" });
  byId("warning").hidden = WORK.stored;
  byId("warning").textContent = WORK.stored ? "" : "This browser does not keep your work: export it before you leave.";
}

function say(words) {
  byId("live").textContent = words;
}

byId("title").textContent = DATA.title;
byId("about").textContent =
  `${plural(DATA.documents.length, "document")}, ${plural(BLOCKS.length, "block")}` + (DATA.model ? `, model ${DATA.model}` : "");
render();
refresh([]);
