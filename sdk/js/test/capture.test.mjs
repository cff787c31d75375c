// Console, errors and steps, as far as they are there without a page.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileStorage } from "../adapters/node.js";
import { init } from "../src/index.js";
import { receiver } from "./receiver.mjs";

const SOURCE = new URL("../src/index.js", import.meta.url);
const ADAPTER = new URL("../adapters/node.js", import.meta.url);

function logger(options) {
  const records = [];
  const transport = (_, body) => (records.push(...JSON.parse(body).logs), { status: 202 });
  const log = init({ url: "https://logs.example.com", key: "rlk_a", transport, ...options });
  return { log, sent: async () => (await log.flush(), records) };
}

test("lines of the console are records, and are shown as ever", async (t) => {
  const shown = [];
  for (const name of ["log", "warn", "error"]) t.mock.method(console, name, (...given) => shown.push(given));
  const before = console.warn;
  const { log, sent } = logger({ captureConsole: ["log", "warn", "error"] });
  const error = new Error("e");
  console.log("a", 5, { b: 1 });
  console.warn("w");
  console.error("failed:", error);
  const noisy = { toJSON: () => (console.warn("said while it is written"), 1) };
  console.warn("n", noisy);
  await log.close();
  assert.equal(console.warn, before);
  console.warn("after");
  const records = await sent();
  assert.deepEqual(records.map(({ level, message }) => [level, message]), [
    ["info", 'a 5 {"b":1}'],
    ["warn", "w"],
    ["error", "failed: Error: e"],
    ["warn", "n 1"],
  ]);
  assert.equal(records[2].exception.value, "e");
  assert.deepEqual(shown.map(([first]) => first), ["a", "w", "failed:", "n", "said while it is written", "after"]);
});

test("a console that is captured hears nothing of the SDK's own failures", async (t) => {
  const shown = [];
  for (const name of ["log", "warn", "error", "info", "debug"]) t.mock.method(console, name, (...given) => shown.push(given));
  const fails = () => { throw new Error("no"); };
  const { log } = logger({ captureConsole: true, transport: fails, storage: { keys: fails, get: fails, put: fails, remove: fails } });
  log.info("m");
  assert.equal(await log.flush(), false);
  await log.close();
  assert.deepEqual(shown, []);
});

test("errors tell the steps that led there", async () => {
  const made = await receiver();
  const { log, sent } = logger({ breadcrumbs: 3, url: "https://logs.example.com", level: "warn" });
  log.breadcrumb("screen", "home");
  log.debug("not sent, but a step");
  await fetch(`${made.url}/other?secret=1`, { method: "POST", body: "{}" });
  log.breadcrumb("screen", "cart", { items: 2 });
  log.error("failed");
  await log.close();
  const [{ attributes }] = await sent();
  assert.deepEqual(attributes.breadcrumbs.map(({ time, ...rest }) => rest), [
    { kind: "debug", what: "not sent, but a step" },
    { kind: "request", what: `POST ${made.url}/other`, status: 202 },
    { kind: "screen", what: "cart", items: 2 },
  ]);
  made.close();
});

test("reports are no steps, and fetch is given back", async () => {
  const made = await receiver();
  const before = globalThis.fetch;
  const log = init({ url: made.url, key: "rlk_a", breadcrumbs: true });
  log.info("one");
  await log.flush();
  log.error("two");
  await log.close();
  assert.equal(globalThis.fetch, before);
  const steps = made.accepted[1].attributes.breadcrumbs;
  assert.deepEqual(steps.map(({ kind }) => kind), ["info"]);
  made.close();
});

test("a program that ends reports what it still has", async () => {
  const made = await receiver();
  const script = `import { init } from "${SOURCE}"; init({ url: "${made.url}", key: "rlk_a" }).info("last words");`;
  const done = await run(script);
  assert.deepEqual([done.status, done.stderr, made.accepted.map(({ message }) => message)], [0, "", ["last words"]]);
  made.close();
});

test("a program that crashes keeps why, in a storage of its own", async () => {
  const folder = mkdtempSync(join(tmpdir(), "redlog-"));
  const script = `import { init } from "${SOURCE}"; import { fileStorage } from "${ADAPTER}";
    const log = init({ url: "http://127.0.0.1:9", key: "rlk_a", storage: fileStorage(${JSON.stringify(folder)}), captureErrors: true });
    log.info("before"); setTimeout(() => { throw new TypeError("the end"); });`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  assert.equal(done.status, 1);
  assert.match(done.stderr, /TypeError: the end/);
  const storage = fileStorage(folder);
  const kept = storage.keys().sort().flatMap((id) => storage.get(id).texts.map((text) => JSON.parse(text)));
  assert.deepEqual(kept.map(({ level, message }) => [level, message]), [["info", "before"], ["fatal", "the end"]]);
  assert.equal(kept[1].exception.type, "TypeError");
  rmSync(folder, { recursive: true });
});

async function run(script) {
  const { spawn } = await import("node:child_process");
  const child = spawn(process.execPath, ["--input-type=module", "-e", script]);
  let stderr = "";
  child.stderr.on("data", (piece) => (stderr += piece));
  const status = await new Promise((resolve) => child.on("close", resolve));
  return { status, stderr };
}
