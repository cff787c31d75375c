// Times as they are shown: in the reader's zone or in UTC. Times are RFC 3339 with microseconds.
import { view } from "./address.js";

const two = (number) => String(number).padStart(2, "0");
export const inUtc = () => view.value.zone === "utc";

/** The calendar's and the clock's numbers of a Date, in the zone that is shown. */
function parts(date) {
  const shifted = inUtc() ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  const [day, clock] = shifted.toISOString().split("T");
  return { day, clock: clock.slice(0, 8) };
}

/** "11-20" */
export const dayOf = (time) => parts(new Date(time)).day.slice(5);

/** "10:00:00.123" */
export const clockOf = (time) => parts(new Date(time)).clock + time.slice(19, 23);

/** "2026-11-20 10:00:00.123456 +08:00" */
export function wholeTime(time) {
  const date = new Date(time);
  const { day, clock } = parts(date);
  return `${day} ${clock}${time.slice(19, 26)} ${offsetOf(date)}`;
}

function offsetOf(date) {
  const minutes = inUtc() ? 0 : -date.getTimezoneOffset();
  if (inUtc()) return "UTC";
  const size = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** A mark of the histogram's axis; `step` is the seconds between two. */
export function axisMark(seconds, step) {
  const { day, clock } = parts(new Date(seconds * 1000));
  if (step >= 86_400) return day.slice(5);
  return step >= 60 ? clock.slice(0, 5) : clock;
}

/** "11-20 10:00:00" */
export function shortTime(seconds) {
  const { day, clock } = parts(new Date(seconds * 1000));
  return `${day.slice(5)} ${clock}`;
}

/** For <input type="datetime-local">, to the second. */
export function toInput(time) {
  const { day, clock } = parts(new Date(time));
  return `${day}T${clock}`;
}

/** What such an input says, as RFC 3339; empty when it says nothing. */
export function fromInput(text) {
  const date = new Date(inUtc() ? `${text}Z` : text);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString();
}
