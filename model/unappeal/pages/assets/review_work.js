"use strict";
const DATA = JSON.parse(document.getElementById("data").textContent);

/** Every block of every document in one row; `index` is its place in the row. */
const BLOCKS = DATA.documents.flatMap((doc, number) =>
  doc.blocks.map(([text, label, scores, removed, worth, reasons, documents], position) => ({
    document: number, position, text, label, scores, removed: Boolean(removed), worth, reasons, documents,
  })),
);
BLOCKS.forEach((block, index) => { block.index = index; });

/**
 * What the person did: a log of steps of which the first `done` are in force, kept in the browser's storage.
 * A step is a list of [index, label before, label after]; null is no label.
 */
class Work {
  constructor(key, size) {
    this.key = `unappeal-review-${key}`;
    this.size = size;
    this.stored = true;
    this.load();
  }

  /** Read the log from the storage and replay it; also when another tab has written it. */
  load() {
    this.steps = [];
    this.done = 0;
    this.labels = new Map();
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "{}");
      const valid = (step) => step.every(([index]) => index >= 0 && index < this.size);
      if (Array.isArray(kept.steps) && kept.steps.every(valid)) {
        this.steps = kept.steps;
        this.done = Math.min(kept.done, this.steps.length);
      }
    } catch {
      this.stored = false;
    }
    this.steps.slice(0, this.done).forEach((step) => this.apply(step));
  }

  /** Label blocks in one step; `wanted` is [[index, label], …]. Like undo and redo, returns the indices that changed. */
  label(wanted) {
    const step = wanted.map(([index, to]) => [index, this.of(index), to]).filter(([, before, to]) => before !== to);
    if (!step.length) return [];
    this.steps.splice(this.done, Infinity, step);
    return this.redo();
  }

  undo() {
    if (!this.done) return [];
    this.done -= 1;
    const step = this.steps[this.done];
    step.forEach(([index, before]) => this.set(index, before));
    this.save();
    return step.map(([index]) => index);
  }

  redo() {
    if (this.done === this.steps.length) return [];
    const step = this.steps[this.done];
    this.done += 1;
    this.apply(step);
    this.save();
    return step.map(([index]) => index);
  }

  of(index) {
    return this.labels.get(index) ?? null;
  }

  apply(step) {
    step.forEach(([index, , after]) => this.set(index, after));
  }

  set(index, label) {
    if (label === null) this.labels.delete(index);
    else this.labels.set(index, label);
  }

  save() {
    try {
      localStorage.setItem(this.key, JSON.stringify({ steps: this.steps, done: this.done }));
      this.stored = true;
    } catch {
      this.stored = false;
    }
  }
}

const WORK = new Work(DATA.key, BLOCKS.length);

/** The label a block has now: the person's or else the model's. */
function labelOf(block) {
  return WORK.of(block.index) ?? block.label;
}

/** "confirmed", "changed" or "" where the person has not labelled the block. */
function stateOf(block) {
  const label = WORK.of(block.index);
  return label === null ? "" : label === block.label ? "confirmed" : "changed";
}

/**
 * The person's labels as JSON lines, in the order of the documents. Blocks without one, of documents that have some,
 * go along with the label null: training needs to know what stands beside a block.
 */
function exported() {
  const touched = new Set([...WORK.labels.keys()].map((index) => BLOCKS[index].document));
  return BLOCKS.filter((block) => touched.has(block.document)).map((block) => {
    const doc = DATA.documents[block.document];
    const line = JSON.stringify({
      document: doc.id,
      position: block.position,
      text: block.text,
      label: WORK.of(block.index),
      previous: block.label,
      scores: Object.fromEntries(DATA.labels.map((name, column) => [name, block.scores[column]])),
      ...(doc.site === undefined ? {} : { site: doc.site }),
      ...(doc.language === undefined ? {} : { language: doc.language }),
    });
    return line.replace(/[\u0085\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
  }).map((line) => `${line}\n`).join("");
}
