// What arrives while the page is open: by the stream, or asked for every few seconds.
import { computed, effect, signal } from "../vendor/signals.js";
import { endsNow, page, parametersOf, question, view } from "./address.js";
import { ask } from "./api.js";
import { countAgain, counts } from "./counts.js";
import { allowPaging, guarded, isLoading, loadFirst, problem, search, untilAsked } from "./records.js";
import { addArrived, list, revision } from "./rows.js";
import { stage } from "./session.js";
import { isTailing, tail } from "./tail.js";

const [PAGE, EVERY_MS, OVERLAP_MS] = [1000, 5000, 30_000];

export const isLive = computed(() => endsNow.value && view.value.live === "on");

const isSeen = signal(!document.hidden);
document.addEventListener("visibilitychange", () => (isSeen.value = !document.hidden));

/** Whether the list of the view is there, to be added to. */
const isThere = computed(() => stage.value === "in" && !page.value && !isLoading.value && revision.value >= 0 && list.question === question.value);

/** What has arrived since: asked by time, with an overlap, for records come late and out of order. */
async function catchUp() {
  const mine = untilAsked();
  const since = list.rows.length ? Math.min(Date.parse(list.rows[0].time), Date.parse(list.latest)) : (counts.peek()?.to ?? 0) * 1000;
  const query = { ...parametersOf(view.peek()), limit: PAGE };
  if (since) query.from = new Date(since - OVERLAP_MS).toISOString();
  const found = await ask("logs", { query, signal: mine });
  if (mine.aborted) return;
  const isKnown = found.partial || found.logs.some(({ id }) => list.ids.has(id));
  if (found.next_cursor && !isKnown) return loadFirst();
  addArrived(found.logs);
}

/** New records and counts every few seconds; after a failure, until the server answers again. */
async function tick() {
  const away = problem.peek() && problem.peek().status !== 400;
  if (stage.peek() === "in" && !page.peek() && isSeen.peek() && !isLoading.peek()) {
    const isKept = list.rows.length > 0 && list.question === question.peek(); // the reader's place too
    if (away && !isKept) await search();
    else if (away || (isLive.peek() && !problem.peek())) {
      await guarded(() => Promise.all([!isTailing.peek() && catchUp(), countAgain(untilAsked())]));
      if (away) allowPaging();
    }
  }
  setTimeout(tick, EVERY_MS);
}

/** Follow the view as long as the page is open; a page that nobody sees keeps no stream. */
export function followLive() {
  effect(() => {
    if (!isLive.value || !isSeen.value || !isThere.value || !question.value) return undefined;
    const end = new AbortController();
    tail(end.signal, catchUp);
    return () => end.abort();
  });
  setTimeout(tick, EVERY_MS);
}
