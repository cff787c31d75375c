// The fields that stand as columns beside time, level and message.
import { computed } from "../vendor/signals.js";
import { go, view } from "./address.js";
import { ATTRIBUTE, TEXTS, valueAt } from "./query.js";

const [MOST, SAMPLE, NARROWEST, WIDEST] = [12, 200, 6, 24];
export const PLAIN = ["app", ...TEXTS, "seq", "received_at", "exception.type", "exception.value", "skew_ms"];

export const canShow = (field) => PLAIN.includes(field) || ATTRIBUTE.test(field);
export const columns = computed(() => [...new Set(view.value.columns.split(",").filter(canShow))].slice(0, MOST));

const choose = (fields) => go({ columns: fields.join(",") }, true);
export const addColumn = (field) => choose([...columns.peek(), field]);
export const removeColumn = (field) => choose(columns.peek().filter((each) => each !== field));
export const toggleColumn = (field) => (columns.peek().includes(field) ? removeColumn : addColumn)(field);

/** One place to the left. */
export function moveColumn(field) {
  const at = columns.peek().indexOf(field);
  if (at > 0) choose(columns.peek().toSpliced(at - 1, 2, field, columns.peek()[at - 1]));
}

/** How wide each field stands in these rows, in characters of which a Chinese one takes two. */
export function widthsOf(fields, rows, shown) {
  const width = (text) => text.length + (text.match(/[^\0-\u2000]/g)?.length ?? 0);
  return fields.map((field) => {
    const texts = rows.slice(0, SAMPLE).map((row) => shown(field, valueAt(row, field)));
    return Math.min(WIDEST, Math.max(NARROWEST, width(field), ...texts.map(width)));
  });
}
