// Stack traces: lines or frames as they were reported, in one form.

// Code that is seldom where the fault is: libraries, runtimes, frameworks.
const FOREIGN = new RegExp(
  [
    "node_modules/", "node:internal", "webpack/(bootstrap|runtime)", "site-packages/", "dist-packages/", "/lib/python",
    "<frozen ", "\\bat (java|javax|kotlin|kotlinx|android|androidx|dalvik|sun|jdk|com\\.android)\\.",
    "\\bUIKit|\\bCoreFoundation|\\blibdispatch|\\blibsystem", "/usr/lib/", "package:flutter/",
  ].join("|"),
); // prettier-ignore

/** The lines of a stack trace: [{text, isFrame, isForeign}]. */
export function stackLines(stacktrace) {
  const given = Array.isArray(stacktrace) ? stacktrace : stacktrace?.frames ?? String(stacktrace ?? "").split("\n");
  return given.map(lineOf).filter(({ text }) => text.trim() !== "");
}

function lineOf(frame) {
  const text = typeof frame === "object" && frame !== null ? textOf(frame) : String(frame).trimEnd();
  const isFrame = typeof frame === "object" || /^\s*(at |File "|#\d|\d+\s|\S+@)/.test(text) || /^\s{2,}/.test(text);
  return { text, isFrame, isForeign: isFrame && (frame?.in_app === false || FOREIGN.test(text)) };
}

/** A frame under the names that the usual SDKs give its parts. */
function textOf(frame) {
  const [what, file] = [frame.function ?? frame.method ?? frame.name, frame.filename ?? frame.file ?? frame.abs_path];
  const place = [file, frame.lineno ?? frame.line, frame.colno ?? frame.column].filter((part) => part != null).join(":");
  if (!what && !place) return JSON.stringify(frame);
  const whole = [frame.module, what].filter(Boolean).join(".");
  return `  at ${whole || "?"}${place ? ` (${place})` : ""}`;
}
