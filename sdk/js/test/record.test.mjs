// Records: whatever is given to a logger becomes one, and nothing is thrown.

import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { init } from "../src/index.js";

/** A logger, and the records that it has sent by now. */
function logger(options) {
  const records = [];
  const transport = (_, body) => (records.push(...JSON.parse(body).logs), { status: 202 });
  const log = init({ url: "https://logs.example.com", key: "rlk_a", transport, ...options });
  return { log, sent: async () => (await log.flush(), records) };
}

async function recordOf(...given) {
  const { log, sent } = logger();
  log.error(...given);
  const [{ time, level, seq, ...rest }] = await sent();
  return rest;
}

test("levels are named as others do, and the lowest can be chosen", async () => {
  const { log, sent } = logger({ level: "info" });
  for (const name of ["trace", "debug", "info", "warn", "error", "fatal"]) log[name](name);
  log.log("warning", "w");
  log.log("nonsense", "n");
  const levels = (await sent()).map(({ level, message, seq }) => `${seq} ${level} ${message}`);
  assert.deepEqual(levels, ["0 info info", "1 warn warn", "2 error error", "3 fatal fatal", "4 warn w", "5 info n"]);
});

test("a session that is not in the sample tells its errors only", async () => {
  const { log, sent } = logger({ sample: 0 });
  for (const name of ["debug", "warn", "error", "fatal"]) log[name](name);
  assert.deepEqual((await sent()).map(({ level }) => level), ["error", "fatal"]);
  const all = logger({ sample: 1 });
  all.log.debug("d");
  assert.equal((await all.sent()).length, 1);
});

test("an error becomes an exception, alone or beside a message and attributes", async () => {
  const error = new TypeError("x is no function", { cause: new Error("deeper") });
  const alone = await recordOf(error);
  assert.equal(alone.message, "x is no function");
  assert.deepEqual([alone.exception.type, alone.exception.value], ["TypeError", "x is no function"]);
  assert.match(alone.exception.stacktrace, /record\.test\.mjs:\d+/);
  assert.equal(alone.exception.cause.value, "deeper");
  const beside = await recordOf("payment failed", error, { order: 7 }, { step: "b" });
  assert.deepEqual([beside.message, beside.exception.type, beside.attributes], ["payment failed", "TypeError", { order: 7, step: "b" }]);
  const foreign = runInNewContext("new RangeError('elsewhere')");
  assert.equal((await recordOf(foreign)).exception.type, "RangeError");
  assert.equal((await recordOf("m", { error })).attributes.error.type, "TypeError");
});

test("messages and attributes may be anything", async () => {
  for (const [given, message] of [[5, "5"], [null, "null"], [undefined, "undefined"], [{ a: 1n }, '{"a":"1"}'], [[1, "a"], '[1,"a"]'], [Symbol("s"), "Symbol(s)"], ["", ""]]) {
    assert.deepEqual(await recordOf(given), { message });
  }
  assert.deepEqual((await recordOf("m", 5)).attributes, { value: 5 });
  assert.deepEqual((await recordOf("m", { f() {}, n: NaN, d: new Date(0) })).attributes, { n: null, d: "1970-01-01T00:00:00.000Z" });
});

test("cycles, deep and broken values are written as far as they can be", async () => {
  const cycle = { name: "a", both: [1] };
  cycle.self = { cycle };
  cycle.same = cycle.both;
  assert.deepEqual((await recordOf("m", cycle)).attributes, { name: "a", both: [1], self: { cycle: { name: "a", both: [1], self: "[…]", same: [1] } }, same: [1] });
  const error = new Error("own cause");
  error.cause = error;
  assert.equal((await recordOf(error)).exception.cause.value, "own cause");
  let deep = {};
  for (let n = 0; n < 10_000; n++) deep = { deep };
  assert.ok(JSON.stringify(await recordOf("m", deep)).length < 1000);
  const node = { nodeType: 1, toString: () => "[object HTMLDivElement]" };
  assert.deepEqual((await recordOf("m", { node })).attributes, { node: "[object HTMLDivElement]" });
  const broken = { get a() { throw new Error("no a"); } };
  assert.deepEqual(await recordOf("m", { toJSON: () => broken.a }), { message: "m", attributes: { unwritable: "Error: no a" } });
  assert.deepEqual(await recordOf("m", { inner: broken }), { message: "m", attributes: { unwritable: "Error: no a" } });
});

test("nothing is thrown, whatever is given", async () => {
  const hostile = new Proxy({}, { get: () => { throw new Error("no"); }, ownKeys: () => { throw new Error("no"); } });
  for (const options of [undefined, null, 5, {}, { url: 5, key: null }, { url: "https://x", key: "k", context: hostile, level: {}, sample: "x" }, { storage: 5, transport: 5 }, hostile]) {
    const log = init(options);
    log.info(hostile, hostile);
    log.error(new Proxy(new Error("e"), { get: () => { throw new Error("no"); } }));
    log.setContext(hostile);
    log.setContext();
    log.breadcrumb();
    assert.equal(typeof (await log.flush()), "boolean");
    assert.equal(typeof (await log.close()), "boolean");
    log.info("closed");
  }
});

test("after close nothing is taken", async () => {
  const { log, sent } = logger();
  log.info("before");
  assert.equal(await log.close(), true);
  log.info("after");
  assert.deepEqual((await sent()).map(({ message }) => message), ["before"]);
});
