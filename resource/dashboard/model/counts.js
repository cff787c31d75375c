// How many records there are, by time and level: the histogram's data.
import { computed, signal } from "../vendor/signals.js";
import { parametersOf, view } from "./address.js";
import { ask } from "./api.js";
import { isDue } from "./pace.js";

/** Levels from the calmest to the gravest. */
export const LEVELS = ["trace", "debug", "info", "warning", "error", "fatal"];

/** {from, to, interval (seconds, all three), starts: [seconds], levels: {name: [count]}, isLess} or
 * null. `isLess`: there was no time to count all, only the newest are counted. */
export const counts = signal(null);
export const shownLevels = computed(() => (view.value.level ? view.value.level.split(",") : LEVELS));

/** Counts by level over the whole range. */
export const totals = computed(() => {
  const sum = (list) => list.reduce((all, count) => all + count, 0);
  const levels = counts.value?.levels ?? {};
  return Object.fromEntries(LEVELS.map((name) => [name, sum(levels[name] ?? [])]));
});

/** Ask anew. All levels are counted, also those that are not shown: their buttons tell how many. */
export async function countRecords(abort) {
  const query = { ...parametersOf(view.peek()), level: "" };
  const begun = Date.now();
  const reply = await ask("logs/histogram", { query, signal: abort });
  last = { at: Date.now(), took: Date.now() - begun };
  counts.value = filled(reply);
}

let last = { at: 0, took: 0 };

/** The same for new records, unless counting takes too long for that. */
export const countAgain = async (abort) => isDue(last) && countRecords(abort);

/** The reply with the stretches that hold nothing. */
function filled({ from, to, interval, buckets, partial }) {
  const [first, end] = [Date.parse(from) / 1000, Date.parse(to) / 1000];
  const start = Math.floor(first / interval) * interval;
  const length = Math.max(1, Math.ceil((end - start) / interval));
  const starts = Array.from({ length }, (_, index) => start + index * interval);
  const levels = Object.fromEntries(LEVELS.map((name) => [name, new Array(length).fill(0)]));
  for (const bucket of buckets) {
    const index = Math.round((Date.parse(bucket.time) / 1000 - start) / interval);
    for (const [name, count] of Object.entries(bucket.counts)) levels[name][index] = count;
  }
  return { from: first, to: end, interval, starts, levels, isLess: Boolean(partial) };
}

/** Show a level's records or no longer; when all would be hidden, all are shown. */
export function toggledLevel(name) {
  const shown = shownLevels.peek();
  if (shown.length === LEVELS.length) return name;
  const next = LEVELS.filter((level) => shown.includes(level) !== (level === name));
  return next.length === LEVELS.length ? "" : next.join(",");
}
