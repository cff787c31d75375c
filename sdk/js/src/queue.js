// From records to batches, and how these reach the server: each stored exactly once. A batch gets
// its id and its text once, and keeps them however often, from whichever tab, it is sent.

import { Batches, bytesIn, idOf, nameOf, newName, recordsIn } from "./batches.js";
import { sizeOf, written } from "./record.js";
import { inTime, inTurn, later, waitOf } from "./waiting.js";

const MAX_RECORD_BYTES = 500_000;
const LEAVING_BYTES = 60_000; // browsers take 64 KiB from a page that is left
const SURE_MS = 71 * 3600e3; // the server knows a batch again for 72 h
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 300e3;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const REPLY_MS = 30e3;

export class Queue {
  /** `tellDropped` makes a record of {reason: records}. */
  constructor({ server, key, transport, storage, tellDropped, ...limits }) {
    Object.assign(this, { transport, tellDropped, key, url: `${server}/api/v1/logs`, lock: `redlog ${server}` });
    Object.assign(this, { maxQueue: 10_000, maxQueueBytes: 5e6, batchSize: 200, batchBytes: 60_000, flushMs: 2000, ...limits });
    this.batchSize = Math.min(this.batchSize, Math.ceil(this.maxQueue / 10));
    this.texts = []; // of the batch that is not cut yet
    this.bytes = this.seq = this.failures = this.cutAt = 0;
    this.dropped = {};
    this.batches = new Batches(storage);
    this.sending = new Map(); // batches under way
    this.setContext({});
  }

  /** The context of the records to come. */
  setContext(context) {
    this.cut();
    this.context = written(context);
    this.room = this.batchBytes - this.around();
  }

  /** The bytes of a body around its records. */
  around(context = this.context) {
    return sizeOf(context) + 200;
  }

  add(record, isUrgent) {
    const text = written({ ...record, seq: this.seq++ });
    const bytes = sizeOf(text);
    if (bytes > MAX_RECORD_BYTES) return this.count("too_large", 1);
    if (this.bytes + bytes > this.room) this.cut();
    this.texts.push(text);
    this.bytes += bytes + 1;
    if (this.texts.length >= this.batchSize) this.cut();
    else this.cutSoon(isUrgent);
  }

  /** What is urgent goes at once, unless a batch has just gone. */
  cutSoon(isUrgent) {
    if (this.cutTimer && !isUrgent) return;
    clearTimeout(this.cutTimer);
    const rest = this.cutAt + this.flushMs - Date.now();
    const wait = isUrgent ? Math.min(Math.max(rest, 0), this.flushMs) : this.flushMs;
    this.cutTimer = later(() => this.cut(), wait);
  }

  /** Make a batch of what there is, and send it. `left`: when the page was left, if it is. */
  cut(left) {
    clearTimeout(this.cutTimer);
    this.cutTimer = 0;
    const dropped = this.hasDropped() ? this.dropped : undefined;
    if (dropped) {
      this.dropped = {};
      this.texts.push(written({ ...this.tellDropped(dropped), seq: this.seq++ }));
    }
    if (!this.texts.length) return;
    const { key, context, texts } = this;
    this.batches.put(idOf(newName(), texts), { key, context, texts, left, dropped });
    this.texts = [];
    this.bytes = 0;
    this.cutAt = Date.now();
    this.trimMemory();
    this.trimming ||= this.trim().finally(() => (this.trimming = undefined));
    this.drain();
  }

  /** Give up a batch, and what it would have told of others. */
  async drop(id, row, reason) {
    if (!(await this.batches.remove(id))) return;
    const told = Object.entries(row?.dropped ?? {});
    this.count(reason, recordsIn(id) - (told.length && 1));
    for (const [each, records] of told) this.count(each, records);
  }

  hasDropped() {
    return Object.keys(this.dropped).length > 0;
  }

  count(reason, records) {
    if (records) this.dropped[reason] = (this.dropped[reason] ?? 0) + records;
  }

  isOver(ids, share = 1) {
    const sum = (part) => ids.reduce((all, id) => all + part(id), 0);
    return sum(recordsIn) > share * this.maxQueue || sum(bytesIn) > share * this.maxQueueBytes;
  }

  /** Drop the oldest batches of a queue that is too long, and some more, so as not to do it often. */
  async trim() {
    await undefined; // so that it sees all that the page logs at once
    let ids = await this.batches.ids();
    for (const id of this.isOver(ids) ? ids : []) {
      if (!this.isOver(ids, 0.9)) return;
      if (this.sending.has(id)) continue;
      await this.drop(id, await this.batches.get(id), "queue_full");
      ids = ids.filter((each) => each !== id);
    }
  }

  /** The same at once, for what is not in the storage yet: a page may log without a pause. */
  trimMemory() {
    const { memory } = this.batches;
    for (const [id, row] of memory) {
      if (!this.isOver([...memory.keys()])) return;
      if (!this.sending.has(id)) this.drop(id, row, "queue_full");
    }
  }

  /** Send what waits, unless it is to wait longer. Whether all of it is gone. */
  async drain() {
    this.isWanted = true;
    if (this.retryTimer) return false;
    this.running ||= this.work();
    return this.running;
  }

  async work() {
    let isMore;
    while (this.isWanted && !this.retryTimer) {
      this.isWanted = this.isHeard = false;
      do {
        await inTurn(this.lock, async () => {
          isMore = await this.sendNext();
        });
      } while (isMore && !this.retryTimer);
      if (this.isHeard && this.hasDropped()) this.cut(); // to tell it, now that somebody listens
    }
    this.running = undefined;
    return !isMore;
  }

  /** Send the oldest batch that is not under way. Whether there was one. */
  async sendNext() {
    const id = (await this.batches.ids()).find((each) => !this.sending.has(each));
    const row = id && (await this.batches.get(id));
    if (!row || this.sending.has(id)) return !!id;
    if (Date.now() - row.left > SURE_MS) await this.drop(id, row, "unsure");
    else await this.send(id, row);
    return true;
  }

  /** Send a batch. Without a clear answer it stays, for another time. */
  async send(id, row, isLeaving = false) {
    this.sending.set(id, row);
    const body = `{"batch_id":"${id}","sent_at":${Date.now()},"context":${row.context},"logs":[${row.texts}]}`;
    const url = `${this.url}?key=${encodeURIComponent(row.key)}`;
    let status, retryAfter;
    try {
      ({ status, retryAfter } = await inTime(this.transport(url, body, isLeaving), REPLY_MS));
    } catch {}
    this.sending.delete(id);
    if (status === 202) {
      this.failures = 0;
      this.isHeard = true;
      await this.batches.remove(id);
    } else if (!(status >= 400 && status < 500) || status === 429) {
      this.waitFor(waitOf(retryAfter));
      if (row.left) this.batches.save(id, Object.assign(row, { left: undefined })); // it did not arrive
    } else if (status === 413 && row.texts.length > 1) await this.split(id, row);
    else await this.drop(id, row, `http_${status}`);
  }

  /** Two batches in the place of one. Their ids follow from its own, whichever tab does it. */
  async split(id, row) {
    const middle = row.texts.length >> 1;
    const halves = { a: row.texts.slice(0, middle), b: row.texts.slice(middle) };
    for (const [name, texts] of Object.entries(halves)) {
      const half = { ...row, texts, dropped: name === "b" ? row.dropped : undefined };
      await this.batches.put(idOf(nameOf(id) + name, texts), half);
    }
    await this.batches.remove(id);
  }

  waitFor(told) {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures++);
    const wait = Math.max(told, longest * (0.5 + Math.random() / 2));
    this.isTold = told > 0;
    clearTimeout(this.retryTimer);
    this.retryTimer = later(() => this.resume(true), Math.min(wait, LONGEST_TIMER_MS));
  }

  /** Try again now, unless the server said when. */
  resume(isTime) {
    if (this.isTold && !isTime) return false;
    clearTimeout(this.retryTimer);
    this.retryTimer = 0;
    this.isTold = false;
    return this.drain();
  }

  /** Cut, and send all; whether all of it is gone. */
  async flush() {
    this.cut();
    await this.trimming;
    return this.resume();
  }

  /** The page is left, perhaps for ever: send what is not safe in the storage, without waiting. */
  leave() {
    // What was probably sent is no more sent again once the server would not know it again.
    const left = this.retryTimer || navigator.onLine === false ? undefined : Date.now();
    this.cut(left);
    let room = LEAVING_BYTES;
    for (const [id, row] of this.sending) {
      room -= bytesIn(id);
      if (left) this.batches.save(id, Object.assign(row, { left }));
    }
    if (this.isTold) return;
    for (const [id, row] of [...this.batches.memory].reverse()) {
      const size = bytesIn(id) + this.around(row.context);
      if (size > room || this.sending.has(id)) continue;
      room -= size;
      if (left && !row.left) this.batches.save(id, Object.assign(row, { left }));
      this.send(id, row, true);
    }
  }
}
