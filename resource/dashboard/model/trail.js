// Records beside an open one, the oldest first: those around it, or all of its session or device
// with what never arrived.
import { signal } from "../vendor/signals.js";
import { ask } from "./api.js";
import { dayOf } from "./time.js";

const [PAGE, HOUR_MS] = [1000, 3_600_000];
const NOTHING = { records: [], gaps: [], gapsKnown: true, hasEarlier: false, hasLater: false, cursor: null };

/** {records, gaps, gapsKnown, hasEarlier, hasLater, isPartial, isAsked, problem, query, cursor}. */
export const trail = signal(NOTHING);

/** So many before and after a record, of the same app, session or device. */
export function loadAround({ id }, of, before, after) {
  return load(async (signal) => {
    const query = { before, after, within: of };
    const found = await ask(`logs/${encodeURIComponent(id)}/context`, { query, signal });
    const [hasEarlier, hasLater] = [found.before.length === before, found.after.length === after];
    return { records: [...found.before, found.log, ...found.after], hasEarlier, hasLater, isPartial: found.partial };
  });
}

/** A session from its begin, or from some hours before the record: of a device, and where the
 * record would stand too far down. */
export function loadTimeline({ app, id, time, ...record }, of, hours) {
  const whole = { app, [`${of}_id`]: record[`${of}_id`], limit: PAGE };
  return load(async (signal) => {
    if (of === "session" && !hours) {
      const page = await ask("timeline", { query: whole, signal });
      if (!page.next_cursor || page.logs.some((each) => each.id === id)) return fromPage(page, whole);
    }
    const query = { ...whole, from: new Date(Date.parse(time) - (hours || 1) * HOUR_MS).toISOString() };
    return fromPage(await ask("timeline", { query, signal }), query);
  });
}

/** The next page of the timeline. */
export function loadLater() {
  const { records, query, cursor } = trail.peek();
  return load(async (signal) => {
    const page = fromPage(await ask("timeline", { query: { ...query, cursor }, signal }), query);
    return { ...page, records: [...records, ...page.records] };
  });
}

function fromPage({ logs, gaps, gaps_known: gapsKnown, next_cursor: cursor, partial }, query) {
  return { records: logs, gaps, gapsKnown, cursor, query, hasEarlier: Boolean(query.from), hasLater: Boolean(cursor), isPartial: partial };
}

let abort = new AbortController();

async function load(request) {
  abort.abort();
  abort = new AbortController();
  trail.value = { ...trail.peek(), isAsked: true, problem: null };
  try {
    trail.value = { ...NOTHING, ...(await request(abort.signal)) };
  } catch (error) {
    if (error.name === "AbortError") return;
    if (error.status === undefined) throw error;
    trail.value = { ...NOTHING, problem: error };
  }
}

/** Forget what was shown. */
export function clearTrail() {
  abort.abort();
  trail.value = NOTHING;
}

/** The rows: [{record}, {gap} where numbers are missing, {mark} where a day or session begins]. */
export function rowsOf({ records, gaps, query }) {
  const missing = new Map(gaps.map((gap) => [`${gap.app} ${gap.last + 1} ${gap.session_id}`, gap]));
  const rows = [];
  let [day, session] = ["", query?.device_id ? "" : null];
  for (const record of records) {
    const gap = missing.get(`${record.app} ${record.seq} ${record.session_id}`);
    if (dayOf(record.time) !== day) rows.push({ mark: (day = dayOf(record.time)) });
    if (session !== null && (record.session_id ?? "–") !== session) rows.push({ mark: (session = record.session_id ?? "–") });
    if (gap) rows.push({ gap });
    rows.push({ record });
  }
  return rows;
}
