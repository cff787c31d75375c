// The loaded records of one question, the newest first.
import { signal } from "../vendor/signals.js";

export const MAX_ROWS = 100_000;
const MOST_AT_ONCE = 20_000; // of a function's arguments

/** `searchedTo`: how far the search came when its time was up; empty: all was searched that the
 * cursor has passed. `latest`: when the last one arrived. `revision` changes with any of it. */
export const list = { rows: [], ids: new Set(), cursor: null, searchedTo: "", latest: "", question: "" };
export const revision = signal(0);
export const selected = signal("");

/** Another question's first page. */
export function replaceRows(page, question) {
  Object.assign(list, { rows: [], ids: new Set(), latest: "", question });
  addOlder(page);
}

/** The next page along the cursor. */
export function addOlder({ logs, next_cursor: cursor, partial, searched_to: searchedTo }) {
  list.rows.push(...unknown(logs));
  Object.assign(list, { cursor, searchedTo: partial ? searchedTo : "" });
  revision.value += 1;
}

/** Records that have arrived, in any order; beyond MAX_ROWS the oldest go. */
export function addArrived(logs) {
  const fresh = unknown(logs);
  if (!fresh.length) return;
  fresh.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0)); // times have one form
  list.rows = mixed(fresh, list.rows);
  for (const { id } of list.rows.splice(MAX_ROWS)) list.ids.delete(id);
  revision.value += 1;
}

function unknown(logs) {
  const fresh = logs.filter(({ id }) => !list.ids.has(id));
  for (const { id, received_at: at } of fresh) {
    list.ids.add(id);
    if (at > list.latest) list.latest = at;
  }
  return fresh;
}

/** Both, in order; of the rows only those are touched that are newer than the oldest fresh one. */
function mixed(fresh, rows) {
  const end = firstOlder(rows, fresh.at(-1).time);
  const head = [];
  for (let [one, other] = [0, 0]; one < fresh.length || other < end; ) {
    const isFresh = other === end || (one < fresh.length && fresh[one].time >= rows[other].time);
    head.push(isFresh ? fresh[one++] : rows[other++]);
  }
  if (head.length > MOST_AT_ONCE) return head.concat(rows.slice(end));
  rows.splice(0, end, ...head);
  return rows;
}

function firstOlder(rows, time) {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].time >= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Move the selection by some rows; the id of the one that is selected then. */
export function moveSelection(by) {
  const at = list.rows.findIndex(({ id }) => id === selected.peek());
  const index = Math.max(0, Math.min(list.rows.length - 1, at < 0 ? 0 : at + by));
  if (list.rows[index]) selected.value = list.rows[index].id;
  return selected.peek();
}
