// RedLog's SDK for JavaScript: `init({url, key})` gives a logger. Nothing in it throws into the page
// or writes to its console.

import { captureConsole, captureErrors, captureSteps, on } from "./capture.js";
import { Queue } from "./queue.js";
import { LEVELS, contextOf, randomText, rankOf, recordOf, textOf } from "./record.js";
import { indexedDBStorage } from "./storage.js";
import { sendByFetch } from "./transport.js";

const ERROR = rankOf("error");
const STEPS = 30;
// A page that loads this as <script> from its server need not say where that is.
const OWN_SERVER = globalThis.document?.currentScript?.src?.match(/^(.+)\/sdk\/[^/]+$/)?.[1];

/** A logger; redlog.d.ts tells the options. */
export function init(options) {
  let queue, isBusy, lowest, mostSteps;
  let context = { session_id: randomText() };
  let steps = [];
  const ends = [];

  /** What a page calls does nothing rather than fail, and nothing while it is called by itself. */
  function safely(work) {
    if (isBusy) return;
    isBusy = true;
    try {
      return work();
    } catch {
    } finally {
      isBusy = false;
    }
  }

  function step(kind, what, data) {
    if (mostSteps) steps = [...steps, { time: Date.now(), kind, what, ...data }].slice(-mostSteps);
  }

  function log(name, message, ...rest) {
    safely(() => {
      const rank = rankOf(name);
      if (rank < lowest && !mostSteps) return;
      const record = recordOf(LEVELS[rank], message, rest);
      if (queue && rank >= lowest) {
        if (rank >= ERROR && steps.length) record.attributes = { ...record.attributes, breadcrumbs: steps };
        queue.add(record, rank >= ERROR);
      }
      step(LEVELS[rank], record.message);
    });
  }

  const breadcrumb = (...given) => safely(() => step(...given));

  function setContext(more) {
    safely(() => {
      context = contextOf({ ...context, ...more });
      queue.setContext(context);
    });
  }

  const flush = async () => (await safely(() => queue.flush())) ?? false;

  async function close() {
    for (const end of ends.splice(0)) safely(end);
    const isEmpty = await flush();
    queue = undefined;
    return isEmpty;
  }

  function start() {
    const { url = OWN_SERVER, key, level = "trace", sample = 1, breadcrumbs, captureErrors: errors, captureConsole: lines } = options;
    lowest = Math.max(rankOf(level), Math.random() < sample ? 0 : ERROR);
    mostSteps = breadcrumbs === true ? STEPS : breadcrumbs;
    const server = String(url).replace(/\/+$/, "");
    queue = new Queue({ ...limitsOf(options), server, key, transport: options.transport ?? sendByFetch, storage: storageOf(options, server), tellDropped });
    context = contextOf({ ...context, ...options.context });
    queue.setContext(context);
    if (errors) ends.push(captureErrors(crash));
    if (lines) ends.push(captureConsole(lines === true ? ["warn", "error"] : lines, log));
    if (mostSteps) ends.push(captureSteps(server, step));
    follow(queue, ends);
    queue.drain();
  }

  /** Node may end right after an error that nobody caught, so it goes at once. */
  function crash(name, ...given) {
    log(name, ...given);
    if (!globalThis.document) flush();
  }

  safely(start);
  const named = LEVELS.map((each) => [each, (...given) => log(each, ...given)]);
  return { ...Object.fromEntries(named), log, breadcrumb, setContext, flush, close };
}

function tellDropped(dropped) {
  const records = Object.values(dropped).reduce((sum, each) => sum + each, 0);
  return { ...recordOf("warn", `${records} records were dropped`, [{ dropped }]), logger: "redlog" };
}

function limitsOf({ maxQueue, maxQueueBytes, batchSize, batchBytes, flushMs }) {
  const given = Object.entries({ maxQueue, maxQueueBytes, batchSize, batchBytes, flushMs });
  return Object.fromEntries(given.filter(([, value]) => value > 0));
}

function storageOf({ storage }, server) {
  return storage ?? (storage !== null && globalThis.indexedDB ? indexedDBStorage(`redlog ${server}`) : undefined);
}

/** Do what is to be done when a page is left or comes back, or a program ends. */
function follow(queue, ends) {
  const { document, process } = globalThis;
  const isHidden = () => document.visibilityState === "hidden";
  const leave = () => queue.leave();
  const resume = () => queue.resume();
  if (document) {
    ends.push(on(document, "visibilitychange", () => (isHidden() ? leave() : resume())));
    ends.push(on(globalThis, "pagehide", leave), on(globalThis, "online", resume));
  } else if (process?.once) {
    running.add(queue);
    process.off("beforeExit", flushAll).once("beforeExit", flushAll);
    ends.push(() => running.delete(queue));
  }
}

const running = new Set(); // in Node; one listener for all of them, as it warns of many
const flushAll = () => running.forEach((queue) => queue.flush());
