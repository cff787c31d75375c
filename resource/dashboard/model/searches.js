// Searches that are kept under a name, for all who may read their app; and links to the view.
import { computed, effect, signal } from "../vendor/signals.js";
import { go, linkTo, parametersOf, RANGES, view } from "./address.js";
import { ask } from "./api.js";
import { counts } from "./counts.js";
import { language } from "./preferences.js";
import { term } from "./query.js";
import { apps, leave, stage } from "./session.js";

/** Those that the reader may see, in the order of their names; null: not known yet. */
export const searches = signal(null);

/** The apps whose searches the reader may change: who may only look is not told an app's key. */
export const ownApps = computed(() => apps.value.filter((app) => "ingest_key" in app));

effect(() => {
  if (stage.value !== "in") searches.value = null; // the next reader may see others
});

/** Ask for all of them. Raises Problem, as all of these do. */
export async function loadSearches() {
  set((await request("searches")).searches);
}

/** Keep the view under a name. */
export async function keepView(name, app) {
  const made = await request("searches", { method: "POST", body: { app, name, ...contents() } });
  set([...others(made.id), made]);
}

/** Have a search find what the view shows. */
export const replaceSearch = ({ id }) => changed(id, contents());
export const renameSearch = ({ id }, name) => changed(id, { name });

export async function deleteSearch({ id }) {
  await request(`searches/${id}`, { method: "DELETE" });
  set(others(id));
}

async function changed(id, changes) {
  const now = await request(`searches/${id}`, { method: "PATCH", body: changes });
  set([...others(id), now]);
}

const others = (id) => (searches.peek() ?? []).filter((search) => search.id !== id);

function set(found) {
  searches.value = found.toSorted((a, b) => a.name.localeCompare(b.name, language.peek()) || a.app - b.app);
}

/** A session that has ended leads to the sign-in. */
async function request(path, options) {
  try {
    return await ask(path, options);
  } catch (error) {
    if (error.status === 401) leave();
    throw error;
  }
}

/** What is kept of the view: the API's own parameters. */
function contents() {
  const { app, ...asked } = parametersOf(view.peek());
  const { columns } = view.peek();
  const query = Object.fromEntries(Object.entries(asked).filter(([, value]) => value));
  return { query, columns: columns ? columns.split(",") : null };
}

/** Show what a search finds. */
export const openSearch = (search) => go({ ...viewOf(search), record: "" });

/** Whether the view shows what the search finds; where there is one app, all apps are it. */
export function isShown(search) {
  const isOnly = !view.value.app && apps.value.length === 1;
  return Object.entries(viewOf(search)).every(([name, value]) => view.value[name] === value || (name === "app" && isOnly));
}

/** The view of a search. What has no place of its own in a view becomes a part of the query; a
 * search without times leaves those that are shown. */
function viewOf({ app, query, columns }) {
  const { from = "", to = "", q = "", level = "", min_level: least, untrusted, limit, order, ...fields } = query;
  const terms = Object.entries(fields).map(([name, value]) => term(name, value));
  if (least) terms.push(`level>=${least}`);
  if (untrusted === "only") terms.push("untrusted:true");
  const named = !to && RANGES.find((range) => from === `-${range}`);
  const times = named ? { range: named, from: "", to: "" } : { range: "custom", from, to };
  return {
    app: String(app),
    q: terms.length ? [q && `(${q})`, ...terms].filter(Boolean).join(" ") : q,
    level,
    untrusted: untrusted === "hide" ? "hide" : "show",
    ...(from || to ? times : {}),
    ...("columns" in view.peek() ? { columns: (columns ?? []).join(",") } : {}),
  };
}

const isMoving = (time) => !time || /^(-|now)/.test(time);

/** The link to the view would show something else later. */
export const movesOn = computed(() => {
  const { range, from, to } = view.value;
  return range !== "custom" || isMoving(to) || (from !== "" && isMoving(from));
});

/** A link to the view with the times that are shown now; empty while these are not known. */
export function fixedLink() {
  if (!counts.peek()) return "";
  const [from, to] = [counts.peek().from, counts.peek().to].map((seconds) => new Date(seconds * 1000).toISOString());
  return linkTo({ range: "custom", from, to });
}
