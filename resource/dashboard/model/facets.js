// The most frequent values of some fields, counted under the view's filter.
import { computed, effect, signal } from "../vendor/signals.js";
import { go, page, parametersOf, question, view } from "./address.js";
import { ask } from "./api.js";
import { counts } from "./counts.js";
import { isDue } from "./pace.js";
import { facetsOpen, isWide } from "./preferences.js";
import { ATTRIBUTE, TEXTS } from "./query.js";
import { isFaulty, isLoading } from "./records.js";
import { apps, stage } from "./session.js";

export const [FEW, MANY] = [8, 50];
const EVERY_MS = 4000;
const FOLDED = "~"; // before a field of the address that is shown without its values

/** On a narrow screen they cover the list, so they are there only when asked for. */
export const isCovering = signal(false);
export const isShown = computed(() => (isWide.value ? facetsOpen.value === "on" : isCovering.value));

/** The chosen fields: [{field, isFolded}]. That of the app is there while several are looked at. */
export const chosen = computed(() => {
  const fields = view.value.facets.split(",").filter(canCount);
  const found = fields.map((each) => ({ field: each.replace(FOLDED, ""), isFolded: each.startsWith(FOLDED) }));
  return found.filter(({ field }) => field !== "app" || (!view.value.app && apps.value.length > 1));
});

/** By field: {values: [{value, count}], isLess, isAbout, isAsked, failed, …}. */
export const facets = signal({});

export const canCount = (field) => ["app", "level", ...TEXTS].includes(field.replace(FOLDED, "")) || ATTRIBUTE.test(field.replace(FOLDED, ""));

export function toggleFacets() {
  if (isWide.peek()) facetsOpen.value = facetsOpen.peek() === "on" ? "off" : "on";
  else isCovering.value = !isCovering.peek();
}

/** Change which fields there are: `change` takes and gives a list of fields as the address has them. */
const choose = (change) => go({ facets: change(view.peek().facets.split(",").filter(canCount)).join(",") || "none" }, true);
const isSame = (each, field) => each.replace(FOLDED, "") === field;
export const addFacet = (field) => choose((all) => [field, ...all.filter((each) => !isSame(each, field))]);
export const removeFacet = (field) => choose((all) => all.filter((each) => !isSame(each, field)));
export const foldFacet = (field) =>
  choose((all) => all.map((each) => (isSame(each, field) ? (each === field ? FOLDED + field : field) : each)));

/** Count a field again: more values, or after a failure. */
export function askAgain(field, limit = FEW) {
  put(field, { limit, question: "" });
  fill();
}

let abort = new AbortController();
let isFilling = false;

/** Count what is shown and not counted yet, one field at a time: the list comes first. */
async function fill() {
  if (isFilling) return;
  isFilling = true;
  for (let field = next(); field; field = next()) await count(field);
  isFilling = false;
}

function next() {
  if (stage.peek() !== "in" || page.peek() || isLoading.peek() || isFaulty.peek() || !isShown.peek()) return undefined;
  const missing = ({ field, isFolded }) => !isFolded && facets.peek()[field]?.question !== question.peek();
  return chosen.peek().find(missing)?.field;
}

async function count(field) {
  const { limit = FEW } = facets.peek()[field] ?? {};
  const [asked, begun] = [question.peek(), Date.now()];
  put(field, { isAsked: true, failed: false });
  try {
    const query = { ...parametersOf(view.peek()), field, limit };
    const { values, partial, approximate } = await ask("logs/facets", { query, signal: abort.signal });
    const about = { isLess: Boolean(partial), isAbout: Boolean(approximate) };
    put(field, { values, ...about, isAsked: false, question: asked, at: Date.now(), took: Date.now() - begun });
  } catch (error) {
    if (error.name === "AbortError") return put(field, { isAsked: false });
    put(field, { values: [], isAsked: false, failed: true, question: asked, at: Date.now(), took: Date.now() - begun });
  }
}

function put(field, change) {
  facets.value = { ...facets.peek(), [field]: { ...facets.peek()[field], ...change } };
}

/** Count anew what new records may have changed, unless counting takes too long for that. */
function refresh() {
  for (const [field, found] of Object.entries(facets.peek())) {
    if (isDue(found, EVERY_MS)) put(field, { question: "" });
  }
  fill();
}

/** Follow the view as long as the page is open. */
export function followFacets() {
  effect(() => {
    question.value;
    abort.abort();
    abort = new AbortController();
  });
  effect(() => {
    const isReady = stage.value === "in" && !page.value && !isLoading.value && isShown.value;
    if (isReady && question.value && chosen.value) queueMicrotask(fill);
  });
  effect(() => {
    if (counts.value) queueMicrotask(refresh);
  });
}
