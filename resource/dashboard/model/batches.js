// Records on their way from a stream into the list: some at a time, no more often than can be seen.
import { counts } from "./counts.js";
import { addArrived } from "./rows.js";

const [EVERY_MS, AT_ONCE, MOST_WAITING, SECONDS] = [100, 2000, 50_000, 3];

/** `rate` is told how many come per second, `missed` how many were left out as they were too many. */
export class Batches {
  constructor(rate, missed) {
    Object.assign(this, { rate, missed, waiting: [], timer: 0, frame: 0, came: [0] });
    this.clock = setInterval(() => this.#count(), 1000);
  }

  /** A record as JSON. */
  add(data) {
    this.waiting.push(data);
    this.came[0] += 1;
    if (this.waiting.length > MOST_WAITING) this.missed.value += this.waiting.splice(0, AT_ONCE).length;
    this.timer ||= setTimeout(() => this.#plan(), EVERY_MS);
  }

  #plan() {
    this.frame = requestAnimationFrame(() => this.#put());
  }

  #put() {
    const records = this.waiting.splice(0, AT_ONCE).map((data) => JSON.parse(data));
    const from = new Date((counts.peek()?.from ?? 0) * 1000).toISOString();
    addArrived(records.filter(({ time }) => time >= from)); // late ones may be older than the range
    this.timer = this.waiting.length && setTimeout(() => this.#plan(), EVERY_MS);
  }

  #count() {
    this.rate.value = Math.round(this.came.reduce((sum, count) => sum + count) / this.came.length);
    this.came = [0, ...this.came].slice(0, SECONDS);
  }

  end() {
    clearInterval(this.clock);
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.rate.value = 0;
  }
}
