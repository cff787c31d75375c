// The live tail: a stream of what is stored, in batches for the list.
import { signal } from "../vendor/signals.js";
import { parametersOf, view } from "./address.js";
import { open } from "./api.js";
import { Batches } from "./batches.js";
import { readEvents } from "./event-stream.js";
import { leave } from "./session.js";

const [GONE_MS, AGAIN_MS, NEVER_MS] = [30_000, 2000, 600_000];

/** Whether the stream is open; while it is not, the list is asked again and again. */
export const isTailing = signal(false);
/** Records that came in the last seconds, per second. */
export const rate = signal(0);
/** Records that were stored and not shown, as they came faster than they could be taken. */
export const missed = signal(0);

/** Follow the view's records until `ended` is aborted. `catchUp` fetches what the stream has not
 * seen, before it began or while it was broken for long.
 */
export async function tail(ended, catchUp) {
  const place = { id: "", at: 0, wait: AGAIN_MS }; // how far it came, and when
  const batches = new Batches(rate, missed);
  ended.addEventListener("abort", () => {
    batches.end();
    isTailing.value = false;
  });
  missed.value = 0;
  while (!ended.aborted) {
    try {
      await followOnce(ended, place, batches, catchUp);
    } catch (error) {
      if (ended.aborted) return;
      if (error.status === 401) return leave();
      if (error.status === 400) place.id = "";
      place.wait = error.status === 501 ? NEVER_MS : 1000 * error.retryAfter || AGAIN_MS;
    }
    if (ended.aborted) return;
    isTailing.value = false;
    await sleep(place.wait, ended);
  }
}

async function followOnce(ended, place, batches, catchUp) {
  const once = new AbortController();
  const end = () => once.abort();
  ended.addEventListener("abort", end);
  try {
    await follow(once.signal, place, batches, catchUp);
  } finally {
    end(); // whatever failed, the connection is not kept
    ended.removeEventListener("abort", end);
  }
}

async function follow(signal, place, batches, catchUp) {
  if (Date.now() - place.at > GONE_MS) place.id = "";
  const query = { ...parametersOf(view.peek()), from: "", last_event_id: place.id };
  const { body } = await open("logs/tail", { query, signal });
  isTailing.value = true;
  if (!place.id) await catchUp();
  await readEvents(body, (events) => {
    place.at = Date.now();
    for (const { event, id, data, retry } of events) {
      if (id) place.id = id;
      if (retry) place.wait = Number(retry);
      if (event === "gap") missed.value += JSON.parse(data).records;
      else if (data) batches.add(data);
    }
  });
}

function sleep(ms, ended) {
  return new Promise((wake) => {
    const timer = setTimeout(wake, ms);
    ended.addEventListener("abort", () => (clearTimeout(timer), wake()));
  });
}
