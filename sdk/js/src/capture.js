// What a page does and says besides: its errors, its console, and the steps that led there. Each
// of these gives a function that ends it.

import { isError, textOf } from "./record.js";

const CONSOLE = { debug: "debug", log: "info", info: "info", warn: "warn", error: "error" };

let isHearing;

/** What hears never fails, and does not hear itself. */
function hearSafely(hear, ...given) {
  if (isHearing) return;
  isHearing = true;
  try {
    hear(...given);
  } catch {
  } finally {
    isHearing = false;
  }
}

/** Call `hear` after what `name` names on `target` was called. */
function listenIn(target, name, hear) {
  const original = target?.[name];
  if (typeof original !== "function") return () => {};
  const replaced = function (...given) {
    const result = original.apply(this, given);
    hearSafely(hear, given, result);
    return result;
  };
  target[name] = replaced;
  return () => {
    if (target[name] === replaced) target[name] = original;
  };
}

/** Call `hear` on an event. */
export function on(target, type, hear, options) {
  const listener = (event) => hearSafely(hear, event);
  target?.addEventListener?.(type, listener, options);
  return () => target?.removeEventListener?.(type, listener, options);
}

/** Errors that nobody caught, as (level, what, attributes). */
export function captureErrors(report) {
  if (globalThis.addEventListener) {
    const ends = [
      on(globalThis, "error", ({ error, message, filename, lineno, colno }) => {
        if (error || message) report("error", isError(error) ? error : message, { source: filename, line: lineno, column: colno });
      }),
      on(globalThis, "unhandledrejection", ({ reason }) => report("error", isError(reason) ? reason : `unhandled rejection: ${textOf(reason)}`)),
    ];
    return () => ends.forEach((end) => end());
  }
  const heard = (error) => report("fatal", error);
  globalThis.process?.on?.("uncaughtExceptionMonitor", heard);
  return () => globalThis.process?.off?.("uncaughtExceptionMonitor", heard);
}

/** Lines of the console, as (level, message, ...errors); the lines are shown as ever. */
export function captureConsole(names, report) {
  const ends = names.map((name) =>
    listenIn(globalThis.console, name, (given) => report(CONSOLE[name] ?? "info", given.map(textOf).join(" "), ...given.filter(isError))),
  );
  return () => ends.forEach((end) => end());
}

const withoutQuery = (url) => String(url).split(/[?#]/)[0];

/** Clicks, places and requests (but those to `server`), as (kind, what, data). */
export function captureSteps(server, report) {
  const place = () => report("navigation", withoutQuery(location.href));
  const { document, history, XMLHttpRequest } = globalThis;
  const request = (method, url, status) => {
    if (!String(url).startsWith(server)) report("request", `${method} ${withoutQuery(url)}`, { status });
  };
  const ends = [
    on(document, "click", ({ target }) => report("click", target.tagName.toLowerCase() + (target.id && `#${target.id}`)), true),
    on(document && globalThis, "popstate", place),
    listenIn(history, "pushState", place),
    listenIn(history, "replaceState", place),
    listenIn(globalThis, "fetch", ([target, options], result) => {
      const told = (status) => request(options?.method ?? target.method ?? "GET", target.url ?? target, status);
      result.then((reply) => told(reply.status), () => told(0));
    }),
    listenIn(XMLHttpRequest?.prototype, "open", function ([method, url]) {
      request(method, url);
    }),
  ];
  return () => ends.forEach((end) => end());
}
