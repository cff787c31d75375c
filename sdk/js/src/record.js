// What a record is made of, written so that nothing in it can fail.

export const LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"];
const TEXTS = /^(logger|environment|release|platform|(device|session|user|trace|span)_id)$/;
const MAX_TEXT = 128;
const MAX_DEPTH = 20;

/** Where a level stands among the others; what is none stands as info. */
export function rankOf(level) {
  const rank = LEVELS.indexOf(level === "warning" ? "warn" : level);
  return rank < 0 ? 2 : rank;
}

/** Also of another frame or realm, whose Error is not ours. */
export function isError(value) {
  return value instanceof Error || (typeof value?.stack === "string" && typeof value.message === "string");
}

function exceptionOf(error) {
  const { name, message, stack, cause } = error;
  return { type: String(name), value: String(message), stacktrace: stack && String(stack), cause };
}

/** JSON of anything: errors as exceptions, no cycles, nothing of the page's own tree. */
export function write(value) {
  const above = [];
  return JSON.stringify(value, function (_, each) {
    if (typeof each === "bigint") return String(each);
    if (typeof each !== "object" || !each) return each;
    if (each.nodeType || each.window === each) return String(each);
    while (above.length && above[above.length - 1] !== this) above.pop();
    if (above.length >= MAX_DEPTH || above.includes(each)) return "[…]";
    const shown = isError(each) ? exceptionOf(each) : each;
    above.push(shown);
    return shown;
  });
}

/** A text for people: of a console line's part, say. */
export function textOf(value) {
  if (typeof value === "string") return value;
  return isError(value) ? String(value) : (write(value) ?? String(value));
}

/** A record of what was given to a logger: a message or an error, then errors and attributes. */
export function recordOf(level, message, rest) {
  const record = { time: Date.now(), level, message: isError(message) ? String(message.message) : textOf(message) };
  for (const each of [isError(message) ? message : undefined, ...rest]) {
    if (isError(each)) record.exception = exceptionOf(each);
    else if (each !== undefined) record.attributes = { ...record.attributes, ...(typeof each === "object" ? each : { value: each }) };
  }
  return record;
}

/** A record as JSON; what can't be written is left out of it, and says so. */
export function written(record) {
  try {
    return write(record);
  } catch (error) {
    const { time, level, message, seq } = record;
    return write({ time, level, message, seq, attributes: { unwritable: String(error) } });
  }
}

/** A context as the server takes it: a number for a user_id, say, would be refused with its batch. */
export function contextOf(given) {
  const pairs = Object.entries(given).filter(([, value]) => value != null);
  return Object.fromEntries(
    pairs.map(([name, value]) => [name, TEXTS.test(name) ? String(value).slice(0, MAX_TEXT) : value]),
  );
}

export const randomText = () => Math.random().toString(36).slice(2, 12) + Math.random().toString(36).slice(2, 12);

/** The bytes of a text in UTF-8, or somewhat more. */
export const sizeOf = (text) => text.replace(/[^\0-\x7f]/g, "xxx").length;
