// The query language as far as a page needs it: terms to add, names and values to complete.

/** Fields that hold short texts. */
export const TEXTS = [
  "logger", "environment", "release", "platform", "device_id", "session_id", "user_id", "trace_id",
  "span_id",
]; // prettier-ignore
const FIELDS = ["level", "message", ...TEXTS, "seq", "time", "received_at", "skew_ms", "truncated", "untrusted"];
export const ATTRIBUTE = /^attr\.[\w.-]+$/;
const NOT_FILTERED = ["id", "app", "time", "received_at", "severity"];
const LEVELS = ["trace", "debug", "info", "warning", "error", "fatal"];
const [MOST_OPTIONS, LONGEST_VALUE, SAMPLE] = [12, 200, 500];

/** Whether `q` can ask for a field with this value. */
export function canAsk(field, value) {
  const text = String(value);
  return !NOT_FILTERED.includes(field) && /^[\w.-]+$/.test(field) && text !== "" && text.length <= LONGEST_VALUE;
}

/** `field:value`, in quotes where the value needs them. */
export function term(field, value) {
  const text = String(value);
  const isPlain = /^[A-Za-z0-9_][\w.-]*$/.test(text) && !/^(AND|OR|NOT|TO)$/.test(text);
  return `${field}:${isPlain ? text : `"${text.replace(/["\\]/g, "\\$&")}"`}`;
}

/** The query with a term more; its contrary goes, an OR is put into brackets. */
export function withTerm(query, added, isExcluded) {
  const wanted = isExcluded ? `-${added}` : added;
  const contrary = isExcluded ? added : `-${added}`;
  let text = query.trim();
  if (parts(text).includes(wanted)) return text;
  if (parts(text).includes(contrary)) {
    return parts(text).map((part) => (part === contrary ? wanted : part)).join(" ");
  }
  if (/(^|\s)OR(\s|$)/.test(text.replace(/"(\\.|[^"])*"|\(.*\)/g, ""))) text = `(${text})`;
  return text ? `${text} ${wanted}` : wanted;
}

/** Whether the query asks for a term, which can be taken out again. */
export const hasTerm = (query, asked) => !/(^|\s)(AND|OR|NOT)(\s|$)/.test(query) && parts(query).includes(asked);

/** The query without a term. */
export const withoutTerm = (query, dropped) => parts(query).filter((part) => part !== dropped).join(" ");

/** What stands between spaces, phrases whole. */
function parts(query) {
  return query.match(/(?:"(?:\\.|[^"])*"|[^\s"])+/g) ?? [];
}

/** Attributes as paths with their values, as `q` names them: [["http.status", 500]]. */
export function flattened(value, path = "") {
  const isBranch = value !== null && typeof value === "object" && !Array.isArray(value);
  if (!isBranch || !Object.keys(value).length) return path ? [[path, value]] : [];
  return Object.entries(value).flatMap(([name, inner]) => flattened(inner, path ? `${path}.${name}` : name));
}

/** How the text before the caret may go on: {start, options}, the options as they replace it. */
export function completions(before, rows) {
  const [, name, sign, begun] = before.match(/(?:^|[\s(-])([a-z_][\w.-]*)(:|>=?|<=?)([^\s()"]*)$/) ?? [];
  if (name) {
    const known = name === "level" ? LEVELS : sign === ":" ? valuesOf(name, rows) : [];
    const fitting = known.filter((value) => value.toLowerCase().startsWith(begun.toLowerCase()) && value !== begun);
    const options = fitting.map((value) => term(name, value).replace(":", sign));
    return { start: before.length - name.length - sign.length - begun.length, options: options.slice(0, MOST_OPTIONS) };
  }
  const [word] = before.match(/(?<=^|[\s(-])[a-z_][\w.-]*$/) ?? [];
  if (!word) return { start: before.length, options: [] };
  const options = fieldsOf(rows).filter((field) => field.startsWith(word)).map((field) => `${field}:`);
  return { start: before.length - word.length, options: options.slice(0, MOST_OPTIONS) };
}

function fieldsOf(rows) {
  return [...FIELDS, "exception.type", "exception.value", ...attributesOf(rows)];
}

/** The attributes of the loaded records, as `q` names them. */
export function attributesOf(rows) {
  const own = rows.slice(0, SAMPLE).flatMap(({ attributes }) => flattened(attributes).map(([path]) => `attr.${path}`));
  return [...new Set(own)].filter((field) => ATTRIBUTE.test(field)).sort();
}

/** The values of a field among the loaded records, the most frequent first. */
function valuesOf(field, rows) {
  if (field === "message") return [];
  const times = new Map();
  for (const row of rows.slice(0, SAMPLE)) {
    const value = valueAt(row, field);
    if (value === undefined || value === null || typeof value === "object" || !canAsk(field, value)) continue;
    times.set(String(value), (times.get(String(value)) ?? 0) + 1);
  }
  return [...times].sort((a, b) => b[1] - a[1]).map(([value]) => value);
}

/** A record's value of a field, as `q` names it. */
export function valueAt(row, field) {
  const [base, ...path] = field.split(".");
  const root = base === "attr" ? "attributes" : base;
  const own = (value, name) => (Object.hasOwn(value ?? {}, name) ? value[name] : undefined);
  return [root, ...path].reduce(own, row);
}
