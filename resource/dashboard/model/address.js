// What is looked at stands in the address, whole: a link shows the same to whoever opens it.
import { computed, signal } from "../vendor/signals.js";

export const RANGES = ["15m", "1h", "24h", "7d"];
const DEFAULTS = {
  page: "", // one of those in page/; empty: the records
  id: "", // of what a page is about
  part: "", // of a page that has parts
  act: "", // the audit log: only these acts, only of this actor, only acts before this one
  actor: "",
  before: "",
  app: "", // an app's id; empty: all
  range: "24h", // one of RANGES, or "custom": from and to
  from: "",
  to: "",
  q: "",
  level: "", // level names with commas between them; empty: all
  untrusted: "hide", // or "show"
  record: "", // the id of the record that is open
  tab: "", // of the open record: its fields, "around" or "timeline"
  of: "", // of the same what: "app", "session" or "device"
  zone: "local", // or "utc"
  live: "on", // or "off"
  columns: "", // field names with commas between them
  facets: "app,logger,platform,release,environment,~user_id,~device_id", // see facets.js
};
// What the address of a page says; that of the records says all but OF_PAGES.
const OF_PAGES = ["page", "id", "part", "act", "actor", "before"];
const OF_BOTH = ["app", "range", "from", "to", "zone"];

const given = new URLSearchParams(location.search).get("api") ?? "";
/** Another server than the page's own; empty: its own. */
export const apiBase = /^https?:\/\//.test(given) ? given.replace(/\/+$/, "") : "";

export const view = signal(read(location.search));
export const page = computed(() => view.value.page);

/** The part of the view that decides which records there are, as a text that changes with it. */
export const question = computed(() => {
  const { app, range, from, to, q, level, untrusted } = view.value;
  return JSON.stringify({ app, range, from, to, q, level, untrusted });
});

/** The range ends now, so new records belong to it. */
export const endsNow = computed(() => view.value.range !== "custom");

/** Change the view. `quietly`: the browser's back button passes over the change. */
export function go(changes, quietly = false) {
  const next = { ...view.peek(), ...changes };
  const address = location.pathname + write(next);
  if (address !== location.pathname + location.search) {
    history[quietly ? "replaceState" : "pushState"](null, "", address);
  }
  view.value = next;
}

/** The changes that lead to a page and nothing else of it; the records stay as they were asked. */
export const toPage = (name, more = {}) => ({ page: name, id: "", part: "", act: "", actor: "", before: "", ...more });

/** The whole address of the view with some changes. */
export function linkTo(changes) {
  return location.origin + location.pathname + write({ ...view.peek(), ...changes });
}

/** The parameters of a query that the API takes, for the records of the view. */
export function parametersOf({ app, range, from, to, q, level, untrusted }) {
  const bounds = range === "custom" ? { from, to } : { from: `-${range}` };
  const hide = untrusted === "hide" ? "hide" : "";
  return { app, ...bounds, q, level, untrusted: hide };
}

function read(search) {
  const given = new URLSearchParams(search);
  const known = Object.keys(DEFAULTS).filter((name) => given.has(name));
  const found = { ...DEFAULTS, ...Object.fromEntries(known.map((name) => [name, given.get(name)])) };
  if (found.from || found.to) found.range = "custom";
  else if (!RANGES.includes(found.range)) found.range = DEFAULTS.range;
  return found;
}

function write(state) {
  const custom = state.range === "custom";
  const own = { ...state, range: custom ? "" : state.range };
  if (!custom) own.from = own.to = "";
  const isSaid = (name) => (state.page ? OF_PAGES.includes(name) || OF_BOTH.includes(name) : !OF_PAGES.includes(name));
  const pairs = Object.entries(own).filter(([name, value]) => value && value !== DEFAULTS[name] && isSaid(name));
  if (apiBase) pairs.push(["api", apiBase]);
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}

addEventListener("popstate", () => {
  view.value = read(location.search);
});
