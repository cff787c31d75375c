// Values of fields as they are shown.
import { apps } from "../model/session.js";
import { clockOf, dayOf, wholeTime } from "../model/time.js";

export function nameOf(id) {
  return apps.value.find((app) => app.id === id)?.name ?? String(id);
}

/** A field's value as a text, whole. */
export function shown(field, value) {
  if (field === "app") return nameOf(value);
  if (["time", "received_at"].includes(field)) return wholeTime(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The same for a column, where there is less room; empty when there is none. */
export function shortly(field, value) {
  if (value === undefined || value === null) return "";
  if (field === "received_at") return `${dayOf(value)} ${clockOf(value)}`;
  return shown(field, value).slice(0, 200);
}
