// The batches that wait, in the memory and in the storage, whatever the storage does.

import { randomText, sizeOf } from "./record.js";
import { inTime } from "./waiting.js";

const STORAGE_MS = 5e3;

let lastTime = 0;

/** The first half of a new id; such are in the order in which they were made. */
export function newName() {
  lastTime = Math.max(lastTime + 1, Date.now());
  return `${lastTime.toString(36).padStart(9, "0")}-${randomText()}`;
}

/** An id also tells how many records and bytes its batch has. */
export const idOf = (name, texts) => `${name}-${texts.length}-${sizeOf(texts.join())}`;
export const nameOf = (id) => id.split("-", 2).join("-");
export const recordsIn = (id) => +id.split("-")[2] || 0;
export const bytesIn = (id) => +id.split("-")[3] || 0;

export class Batches {
  constructor(storage) {
    this.storage = storage;
    this.memory = new Map(); // those that are not in the storage, or not yet
    this.gone = new Set(); // what a storage that fails may go on to show
  }

  /** Keep a batch, in the storage if that can be; otherwise it stays in the memory. */
  async put(id, row) {
    this.memory.set(id, row);
    await this.save(id, row);
  }

  /** The same for a batch that is kept already, and has changed. */
  async save(id, row) {
    try {
      await inTime(this.storage.put(id, row), STORAGE_MS);
      this.memory.delete(id);
    } catch {}
  }

  async ids() {
    let stored = [];
    try {
      stored = [...(await inTime(this.storage.keys(), STORAGE_MS))].map(String);
    } catch {}
    return [...new Set([...stored, ...this.memory.keys()])].filter((id) => !this.gone.has(id)).sort();
  }

  async get(id) {
    let row = this.memory.get(id);
    try {
      row ??= await inTime(this.storage.get(id), STORAGE_MS);
    } catch {}
    if (!row) this.gone.add(id);
    return row;
  }

  /** Whether it was there. */
  async remove(id) {
    const wasHere = this.memory.delete(id);
    let wasStored;
    try {
      wasStored = await inTime(this.storage?.remove(id), STORAGE_MS);
    } catch {}
    if (this.storage && !wasStored) this.gone.add(id);
    return wasStored || wasHere;
  }
}
