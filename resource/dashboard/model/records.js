// The records of the view: pages along the cursor, the newest first, and those that arrive.
import { batch, computed, effect, signal } from "../vendor/signals.js";
import { endsNow, page, parametersOf, question, view } from "./address.js";
import { ask } from "./api.js";
import { countRecords, counts } from "./counts.js";
import { leave, stage } from "./session.js";

export const MAX_ROWS = 100_000;
const [FIRST_PAGE, PAGE, EVERY_MS, OVERLAP_MS] = [200, 1000, 5000, 30_000];

/** The loaded records, the newest first, of one question; `revision` changes with them. */
export const list = { rows: [], ids: new Set(), cursor: null, arrived: 0, latest: "", question: "" };
export const revision = signal(0);
export const isLoading = signal(false);
/** Days of which the server could not read the records. */
export const unreadableDays = signal([]);
/** Why the last request failed; null: it did not. */
export const problem = signal(null);
export const isLive = computed(() => endsNow.value && view.value.live === "on");
export const selected = signal("");

let abort = new AbortController();
let isPaging = false;

/** Ask the view's question from the start. */
export async function search() {
  abort.abort();
  abort = new AbortController();
  const { signal: mine } = abort;
  isPaging = false;
  isLoading.value = true;
  await guarded(async () => {
    const query = { ...parametersOf(view.peek()), limit: FIRST_PAGE };
    const counting = countRecords(mine);
    counting.catch(() => null); // it is awaited below, when the list is there
    replace(await ask("logs", { query, signal: mine }));
    isLoading.value = false;
    await counting;
  });
  if (mine.aborted) return;
  isLoading.value = false;
  if (problem.peek() && list.question !== question.peek()) replace({ logs: [], next_cursor: null }); // another question's
}

/** The next page, when rows up to `index` are about to be seen. */
export async function loadUpTo(index) {
  const { rows, cursor } = list;
  if (isPaging || !cursor || problem.peek() || index < rows.length || rows.length >= MAX_ROWS) return;
  if (list.question !== question.peek()) return; // the cursor is another question's
  isPaging = true;
  const { signal: mine } = abort;
  await guarded(async () => {
    const query = { ...parametersOf(view.peek()), limit: PAGE, cursor };
    const page = await ask("logs", { query, signal: mine });
    add(page.logs, (fresh) => list.rows.push(...fresh));
    list.cursor = page.next_cursor;
  });
  if (mine.aborted) return;
  isPaging = false;
  revision.value += 1;
}

/** What has arrived since: asked by time, with an overlap, for records come late and out of order. */
async function catchUp() {
  const { rows, latest } = list;
  const { signal: mine } = abort;
  const query = { ...parametersOf(view.peek()), limit: PAGE };
  if (rows.length) {
    const newest = Math.min(Date.parse(rows[0].time), Date.parse(latest));
    query.from = new Date(newest - OVERLAP_MS).toISOString();
  }
  const page = await ask("logs", { query, signal: mine });
  if (mine.aborted) return;
  const isKnown = page.logs.some(({ id }) => list.ids.has(id));
  if (page.next_cursor && !isKnown) return void replace(await firstPage(mine));
  const before = list.rows.length;
  add(page.logs, (fresh) => (list.rows = merged(fresh, list.rows)));
  if (list.rows.length === before) return;
  list.arrived += list.rows.length - before;
  for (const { id } of list.rows.splice(MAX_ROWS)) list.ids.delete(id);
  revision.value += 1;
}

const firstPage = (mine) =>
  ask("logs", { query: { ...parametersOf(view.peek()), limit: FIRST_PAGE }, signal: mine });

/** Both with the newest first. Times have one form, so their order is that of the texts. */
function merged(fresh, rows) {
  if (!fresh.length) return rows;
  const oldest = fresh.at(-1).time;
  let end = rows.findIndex((row) => row.time < oldest);
  if (end < 0) end = rows.length;
  const head = [...fresh, ...rows.slice(0, end)].sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
  return [...head, ...rows.slice(end)];
}

function replace(page) {
  const asked = question.peek();
  Object.assign(list, { rows: [], ids: new Set(), cursor: page.next_cursor, arrived: 0, latest: "", question: asked });
  add(page.logs, (fresh) => (list.rows = fresh));
  batch(() => {
    revision.value += 1;
    unreadableDays.value = page.unreadable_days ?? [];
  });
}

function add(found, put) {
  const fresh = found.filter(({ id }) => !list.ids.has(id));
  for (const { id, received_at: at } of fresh) {
    list.ids.add(id);
    if (at > list.latest) list.latest = at;
  }
  put(fresh);
}

/** Run a request; a failure is shown, a lost session leads to the sign-in. */
async function guarded(request) {
  try {
    await request();
    problem.value = null;
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === 401) return leave();
    if (error.status === undefined) throw error;
    problem.value = error;
  }
}

/** New records every few seconds; after a failure, until the server answers again. */
async function tick() {
  const away = problem.peek() && problem.peek().status !== 400;
  if (stage.peek() === "in" && !page.peek() && !document.hidden && !isLoading.peek()) {
    const { signal: mine } = abort;
    const isKept = list.rows.length > 0 && list.question === question.peek(); // the reader's place too
    if (away && !isKept) await search();
    else if (away || (isLive.peek() && !problem.peek())) {
      await guarded(() => Promise.all([catchUp(), countRecords(mine)]));
      if (away) [isPaging, revision.value] = [false, revision.value + 1];
    }
  }
  setTimeout(tick, EVERY_MS);
}

/** Follow the view as long as the page is open. */
export function follow() {
  effect(() => {
    question.value;
    if (stage.value !== "in" || page.value) return;
    counts.value = null;
    queueMicrotask(search);
  });
  setTimeout(tick, EVERY_MS);
}

/** Move the selection by some rows; its index. */
export function moveSelection(by) {
  const at = list.rows.findIndex(({ id }) => id === selected.peek());
  const index = Math.max(0, Math.min(list.rows.length - 1, at < 0 ? 0 : at + by));
  if (list.rows[index]) selected.value = list.rows[index].id;
  return selected.peek();
}
