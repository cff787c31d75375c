// Searching the records of the view: page by page along the cursor, the newest first.
import { computed, effect, signal } from "../vendor/signals.js";
import { page, parametersOf, question, view } from "./address.js";
import { ask } from "./api.js";
import { countRecords, counts } from "./counts.js";
import { addOlder, list, MAX_ROWS, replaceRows, revision } from "./rows.js";
import { leave, stage } from "./session.js";

const [FIRST_PAGE, PAGE] = [200, 1000];

export const isLoading = signal(false);
/** Whether a search goes on after its time was up. */
export const isGoingOn = signal(false);
/** Days of which the server could not read the records. */
export const unreadableDays = signal([]);
/** Why the last request failed; null: it did not. */
export const problem = signal(null);
/** Whether it is the query that is wrong. */
export const isFaulty = computed(() => problem.value?.code === "bad_query");

let abort = new AbortController();
let isPaging = false;

/** Ends with the question that is asked now. */
export const untilAsked = () => abort.signal;

/** Ask the view's question from the start. */
export async function search() {
  renew();
  const { signal: mine } = abort;
  isLoading.value = true;
  await guarded(async () => {
    const counting = countRecords(mine);
    counting.catch(() => null); // it is awaited below, when the list is there
    await loadFirst();
    isLoading.value = false;
    await counting;
  });
  if (mine.aborted) return;
  isLoading.value = false;
  if (problem.peek() && list.question !== question.peek()) replaceRows({ logs: [], next_cursor: null }, question.peek()); // another question's
}

/** The first page; raises what `ask` raises. */
export async function loadFirst() {
  const found = await ask("logs", { query: { ...parametersOf(view.peek()), limit: FIRST_PAGE }, signal: abort.signal });
  replaceRows(found, question.peek());
  unreadableDays.value = found.unreadable_days ?? [];
}

/** The next page, when rows up to `index` are about to be seen. */
export function loadUpTo(index) {
  if (index >= list.rows.length && !list.searchedTo && !problem.peek()) return loadNext();
}

/** Search on where the time was up, until something is found, nothing is left or `stop`. */
export async function goOn() {
  const { length } = list.rows;
  isGoingOn.value = true;
  do await loadNext();
  while (isGoingOn.peek() && list.searchedTo && list.rows.length === length && !problem.peek());
  isGoingOn.value = false;
}

export function stop() {
  renew();
}

function renew() {
  abort.abort();
  abort = new AbortController();
  isPaging = isGoingOn.value = false;
}

/** Another page may be asked for, as after a failure. */
export function allowPaging() {
  isPaging = false;
  revision.value += 1;
}

async function loadNext() {
  const { rows, cursor } = list;
  if (isPaging || !cursor || rows.length >= MAX_ROWS) return;
  if (list.question !== question.peek()) return; // the cursor is another question's
  isPaging = true;
  const { signal: mine } = abort;
  await guarded(async () => {
    const query = { ...parametersOf(view.peek()), limit: PAGE, cursor };
    addOlder(await ask("logs", { query, signal: mine }));
  });
  if (!mine.aborted) allowPaging();
}

/** Run a request; a failure is shown, a lost session leads to the sign-in. */
export async function guarded(request) {
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

/** Follow the view as long as the page is open. */
export function follow() {
  effect(() => {
    question.value;
    if (stage.value !== "in" || page.value) return;
    counts.value = null;
    queueMicrotask(search);
  });
}
