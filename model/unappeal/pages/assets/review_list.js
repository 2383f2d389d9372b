/* The list: which blocks are shown, in what order, and their elements. */
const LIST = document.getElementById("list");
const CHUNK_BLOCKS = 30; // blocks the browser lays out, or skips, together
const GROUP_BLOCKS = 60; // blocks under one heading where documents are mixed
const TALL_PX = 34; // height of a block around its text, before the browser has measured it
const LINE_PX = 28;
const NEAR_PX = 1500; // chunks are filled when they come so near to the window, or when the browser is idle
const FIRST_BLOCKS = 40; // blocks there at once
const IDLE_MS = 6; // time that filling one more chunk may take

const VIEW = { show: "all", order: "documents", search: "" };
let shown = []; // indices of the blocks in the list, in its order
let place = new Map(); // index -> place in `shown`
let current = -1; // index of the block the keys act upon
let currentElement = null;
let empty = new Map(); // chunk -> its blocks, which have no elements yet

const FILTERS = {
  all: () => true,
  doubtful: (block) => block.worth > 0,
  removed: (block) => block.removed,
  open: (block) => stateOf(block) === "",
  mine: (block) => stateOf(block) !== "",
  changed: (block) => stateOf(block) === "changed",
};

function matching() {
  const keep = FILTERS[VIEW.show] ?? ((block) => labelOf(block) === VIEW.show);
  const words = VIEW.search.trim().toLocaleLowerCase();
  const found = BLOCKS.filter((block) => keep(block) && (!words || block.text.toLocaleLowerCase().includes(words)));
  return VIEW.order === "doubt" ? found.sort((a, b) => b.worth - a.worth || a.index - b.index) : found;
}

/** Cut the row of blocks into groups with a heading: a document each, or some dozens where documents are mixed. */
function groups(blocks) {
  const cut = [];
  blocks.forEach((block, i) => {
    const opens = VIEW.order === "doubt" ? i % GROUP_BLOCKS === 0 : block.document !== blocks[i - 1]?.document;
    if (opens) cut.push({ first: i, document: VIEW.order === "doubt" ? null : block.document, blocks: [] });
    cut.at(-1).blocks.push(block);
  });
  return cut;
}

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function render() {
  const blocks = matching();
  empty = new Map();
  NEAR.disconnect();
  shown = blocks.map((block) => block.index);
  place = new Map(shown.map((index, i) => [index, i]));
  LIST.replaceChildren(...groups(blocks).map(groupElement));
  document.getElementById("empty").hidden = shown.length > 0;
  document.getElementById("count").textContent = plural(shown.length, "block");
  current = place.has(current) ? current : shown[0] ?? -1;
  shown.slice(0, FIRST_BLOCKS).forEach(elementOf);
  markCurrent();
  onIdle(fillNext);
}

const onIdle = window.requestIdleCallback ?? (() => {});

/** Fill chunks while nothing else is to be done, so that the browser's own search finds their text. */
function fillNext(deadline) {
  for (const chunk of empty.keys()) {
    if (deadline.timeRemaining() < IDLE_MS) break;
    fill(chunk);
  }
  if (empty.size) onIdle(fillNext);
}

const NEAR = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => fill(entry.target)),
  { rootMargin: `${NEAR_PX}px` },
);

function fill(chunk) {
  const blocks = empty.get(chunk);
  if (!blocks) return;
  empty.delete(chunk);
  NEAR.unobserve(chunk);
  chunk.append(...blocks.map(blockElement));
}

/** The element of a block in the list, made now if it was not yet; null where it is filtered out. */
function elementOf(index) {
  if (!place.has(index)) return null;
  const made = document.getElementById(`b${index}`);
  if (made) return made;
  for (const [chunk, blocks] of empty) if (blocks.includes(BLOCKS[index])) fill(chunk);
  return document.getElementById(`b${index}`);
}

function groupElement(group) {
  const section = element("section", { className: "group" });
  const box = element("div", { className: "blocks", role: "listbox" });
  if (group.document === null) {
    box.ariaLabel = `Blocks ${group.first + 1} to ${group.first + group.blocks.length}`;
  } else {
    section.append(heading(group.document));
    box.setAttribute("aria-labelledby", `doc-${group.document}`);
  }
  for (let i = 0; i < group.blocks.length; i += CHUNK_BLOCKS) box.append(chunk(group.blocks.slice(i, i + CHUNK_BLOCKS)));
  section.append(box);
  return section;
}

function heading(number) {
  const doc = DATA.documents[number];
  const known = [doc.site, doc.language, plural(doc.blocks.length, "block")].filter(Boolean).join(" · ");
  const name = element("h2", { id: `doc-${number}`, dir: "auto", textContent: doc.id });
  const accept = element("button", { type: "button", textContent: "Rest is right", className: "accept" });
  accept.ariaLabel = `The rest of ${doc.id} is right as shown`;
  accept.dataset.document = number;
  return element("header", {}, element("div", {}, name, element("p", { className: "soft", textContent: known })), accept);
}

function chunk(blocks) {
  const made = element("div", { className: "chunk", role: "presentation" });
  const width = Math.min(LIST.clientWidth || 700, 700) / 8.5;
  const height = blocks.reduce((sum, { text }) => sum + TALL_PX + LINE_PX * Math.ceil(text.length / width), 0);
  made.style.setProperty("contain-intrinsic-block-size", `auto ${Math.round(height)}px`);
  empty.set(made, blocks);
  NEAR.observe(made);
  return made;
}

function blockElement(block) {
  const mixed = VIEW.order === "doubt";
  const made = element("div", { id: `b${block.index}`, className: "block", role: "option", tabIndex: -1 });
  made.classList.toggle("mixed", mixed);
  const meter = element("span", { className: "meter", title: scoresText(block) });
  meter.ariaHidden = "true";
  ["--body-part", "--appeal-part"].forEach((name, i) => meter.style.setProperty(name, `${100 * block.scores[i]}%`));
  const text = element("p", { className: "text", dir: "auto" }, ...marked(block.text));
  const side = element("span", { className: "side" }, meter, element("span", { className: "note" }));
  made.append(element("span", { className: "tag" }), text, side);
  if (mixed) made.append(...surroundings(block));
  paint(block, made);
  return made;
}

/** The blocks before and after one that stands among others of other documents, and where it comes from. */
function surroundings(block) {
  const doc = DATA.documents[block.document];
  const beside = [-1, 1].map((step) => doc.blocks[block.position + step]?.[0] ?? "—");
  return [
    element("p", { className: "beside before", dir: "auto", textContent: beside[0] }),
    element("p", { className: "beside after", dir: "auto", textContent: beside[1] }),
    element("p", { className: "origin", dir: "auto", textContent: `${doc.id}, block ${block.position + 1}` }),
  ];
}

function marked(text) {
  const words = VIEW.search.trim().toLocaleLowerCase();
  const lower = text.toLocaleLowerCase();
  if (!words || lower.length !== text.length) return [text];
  const parts = [];
  let from = 0;
  for (let at = lower.indexOf(words); at >= 0; at = lower.indexOf(words, from)) {
    parts.push(text.slice(from, at), element("mark", { textContent: text.slice(at, at + words.length) }));
    from = at + words.length;
  }
  return [...parts, text.slice(from)];
}

/** Show a block's label, and what the person and the model say of it. */
function paint(block, made = document.getElementById(`b${block.index}`)) {
  if (!made) return;
  const state = stateOf(block);
  Object.assign(made.dataset, { label: labelOf(block), state, removed: block.removed, doubtful: block.worth > 0 });
  made.querySelector(".tag").textContent = labelOf(block);
  const notes = [`${percent(block.scores[DATA.labels.indexOf(block.label)])} ${block.label}`];
  if (state === "changed") notes[0] = `was ${notes[0]}`;
  else if (state === "confirmed") notes.unshift(state);
  else notes.push(...block.reasons.filter((reason) => reason !== "frequent"));
  if (block.documents > 1) notes.push(`in ${block.documents} documents`);
  made.querySelector(".note").textContent = notes.join(" · ");
}

function markCurrent() {
  if (currentElement) Object.assign(currentElement, { ariaSelected: "false", tabIndex: -1 });
  currentElement = elementOf(current);
  if (currentElement) Object.assign(currentElement, { ariaSelected: "true", tabIndex: 0 });
  return currentElement;
}

function scoresText(block) {
  return DATA.labels.map((name, column) => `${name} ${percent(block.scores[column])}`).join(", ");
}

function percent(share) {
  return `${Math.round(100 * share)}\u00a0%`;
}

const FORMAT = new Intl.NumberFormat("en");

function plural(n, noun) {
  return `${FORMAT.format(n)} ${noun}${n === 1 ? "" : "s"}`;
}
