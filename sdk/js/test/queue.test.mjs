// Batches: how they are made, sent, sent again, kept and given up.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileStorage } from "../adapters/node.js";
import { init } from "../src/index.js";
import { receiver, until } from "./receiver.mjs";

async function server(t, answer) {
  const made = await receiver(answer);
  t.after(made.close);
  return made;
}

function logger(t, url, options = {}) {
  const log = init({ url, key: "rlk_a", flushMs: 20, ...options });
  t.after(log.close);
  return log;
}

function folder(t) {
  const made = mkdtempSync(join(tmpdir(), "redlog-"));
  t.after(() => rmSync(made, { recursive: true }));
  return made;
}

const messages = (records) => records.map(({ message }) => message);
const numbers = (count, from = 0) => Array.from({ length: count }, (_, n) => `m${n + from}`);
const dropped = (records) => records.filter(({ logger: name }) => name === "redlog").map(({ attributes }) => attributes.dropped);

const never = () => new Promise(() => {});
const fails = () => {
  throw new Error("no storage");
};
const BROKEN = {
  "throws": { keys: fails, get: fails, put: fails, remove: fails },
  "is full": { keys: () => [], get: () => undefined, put: () => Promise.reject(new Error("quota")), remove: () => false },
  "can't remove": { keys: () => ["000000001-a-1-20"], get: () => ({ key: "k", context: "{}", texts: ['{"message":"old"}'] }), put: fails, remove: fails },
  "is no storage": {},
  "shows what it does not have": { keys: () => ["000000001-a-1-20"], get: () => undefined, put: fails, remove() {} },
  "keeps what it removes": { keys: () => ["000000001-a-1-20"], get: () => ({ key: "k", context: "{}", texts: ['{"message":"old"}'] }), put: fails, remove: () => false },
};

// They wait more than they work, so they wait together.
describe("a queue", { concurrency: 40 }, () => {
  test("a batch has an id, a context, a session and numbered records", async (t) => {
    const { url, batches } = await server(t);
    const log = logger(t, `${url}/`, { context: { release: "2.1.0", user_id: 7, page: null } });
    log.info("one");
    log.warn("two", { screen: "home" });
    assert.equal(await log.flush(), true);
    const [{ batch_id, sent_at, context, logs, url: path, type }] = batches;
    assert.equal(path, "/api/v1/logs?key=rlk_a");
    assert.match(type, /^text\/plain/);
    assert.match(batch_id, /^[\w-]{20,128}$/);
    assert.ok(Math.abs(Date.now() - sent_at) < 60_000);
    assert.match(context.session_id, /^\w{10,32}$/);
    assert.deepEqual(context, { session_id: context.session_id, release: "2.1.0", user_id: "7" });
    assert.deepEqual(logs.map(({ time, ...rest }) => rest), [
      { level: "info", message: "one", seq: 0 },
      { level: "warn", message: "two", attributes: { screen: "home" }, seq: 1 },
    ]);
  });

  test("batches are cut by number, by bytes, by time and when the context changes", async (t) => {
    const { url, batches } = await server(t);
    const log = logger(t, url, { batchSize: 3, batchBytes: 2000 });
    for (const message of numbers(7)) log.info(message);
    await until(() => batches.length === 3, "three batches");
    assert.deepEqual(batches.map(({ logs }) => logs.length), [3, 3, 1]);
    for (const sign of ["a", "密", "😀"]) log.info(sign.repeat(400));
    await log.flush();
    assert.ok(batches.slice(3).every(({ text }) => Buffer.byteLength(text) <= 2000));
    log.info("before");
    log.setContext({ user_id: "u-1" });
    log.info("after");
    await log.flush();
    const [before, after] = batches.slice(-2);
    assert.deepEqual([before.context.user_id, after.context.user_id], [undefined, "u-1"]);
    const seqs = batches.flatMap(({ logs }) => logs.map(({ seq }) => seq));
    assert.deepEqual(seqs, seqs.map((_, n) => n));
  });

  test("an error does not wait for others, but batches keep their distance", async (t) => {
    const { url, batches } = await server(t);
    const log = logger(t, url, { flushMs: 500 });
    log.error("first");
    await until(() => batches.length === 1, "the first");
    log.error("second");
    await pause(20);
    log.error("third");
    await until(() => batches.length === 2, "the others");
    assert.deepEqual(batches.map(({ logs }) => messages(logs)), [["first"], ["second", "third"]]);
  });

  for (const [name, failure] of [["broken connections", undefined], ["503", [503]], ["500", [500]], ["429", [429]], ["a portal's 200", [200]]]) {
    test(`after ${name} the same batch comes again, with the time of its sending`, async (t) => {
      const { url, batches } = await server(t, (_, number) => (number < 1 ? failure : [202]));
      const log = logger(t, url);
      log.info("again");
      await until(() => batches.length === 2, "another try");
      const [first, second] = batches;
      assert.ok(second.at - first.at >= 450, "it waits");
      assert.notEqual(first.sent_at, second.sent_at);
      const plain = ({ text }) => text.replace(/"sent_at":\d+/, "");
      assert.equal(plain(first), plain(second));
      assert.equal(await log.flush(), true);
      assert.equal(batches.length, 2);
    });
  }

  test("Retry-After is waited for, whatever else happens", async (t) => {
    const { url, batches } = await server(t, (_, number) => (number < 1 ? [503, { "Retry-After": "2" }] : [202]));
    const log = logger(t, url);
    log.info("one");
    await until(() => batches.length === 1, "the first try");
    assert.equal(await log.flush(), false);
    log.error("two");
    await until(() => batches.length === 3, "the next tries");
    assert.ok(batches[1].at - batches[0].at >= 1990);
    assert.deepEqual(batches.map(({ logs }) => logs[0].message), ["one", "one", "two"]);
  });

  for (const status of [400, 401, 403, 404, 422]) {
    test(`after ${status} a batch does not come again; what was lost is told later`, async (t) => {
      const { url, batches, ...rest } = await server(t, ({ logs }) => [logs.some(({ message }) => message.startsWith("bad")) ? status : 202]);
      const log = logger(t, url);
      log.info("bad 1");
      log.info("bad 2");
      assert.equal(await log.flush(), true);
      assert.equal(batches.length, 1);
      log.info("good");
      await log.flush();
      assert.deepEqual(messages(batches[1].logs), ["good", "2 records were dropped"]);
      assert.deepEqual(dropped(batches[1].logs), [{ [`http_${status}`]: 2 }]);
      assert.equal(batches.length, 2);
    });
  }

  test("a server that refuses everything is not asked for ever", async (t) => {
    const { url, batches } = await server(t, () => [401]);
    const log = logger(t, url);
    for (let n = 0; n < 3; n++) {
      log.info("refused");
      await log.flush();
    }
    assert.equal(batches.length, 3);
    assert.deepEqual(dropped(batches[2].logs), [{ http_401: 2 }]);
  });

  test("a batch that is too large is halved, and no record is sent twice", async (t) => {
    const made = await server(t, ({ logs }) => [logs.length > 3 || logs.some(({ message }) => message === "m4") ? 413 : 202]);
    const log = logger(t, made.url);
    for (const message of numbers(10)) log.info(message);
    assert.equal(await log.flush(), true);
    await until(() => made.accepted.length === 10, "the rest");
    assert.deepEqual(messages(made.accepted).slice(0, 9).sort(), numbers(10).filter((m) => m !== "m4"));
    assert.deepEqual(dropped(made.accepted), [{ http_413: 1 }]);
  });

  for (const kind of ["memory", "a storage"]) {
    test(`a full queue in ${kind} loses its oldest records, and says how many`, async (t) => {
      let isUp = false;
      const made = await server(t, () => [isUp ? 202 : 503]);
      const storage = kind === "memory" ? undefined : fileStorage(folder(t));
      const log = logger(t, made.url, { maxQueue: 100, storage });
      for (const message of numbers(1000)) log.info(message);
      await log.flush();
      isUp = true;
      await until(async () => (await log.flush()) && dropped(made.accepted).length > 0, "the rest");
      await log.flush();
      const arrived = messages(made.accepted).filter((message) => message.startsWith("m"));
      assert.ok(arrived.length > 60 && arrived.length <= 100, `${arrived.length}`);
      assert.deepEqual(arrived, numbers(arrived.length, 1000 - arrived.length));
      const lost = dropped(made.accepted).reduce((sum, each) => sum + each.queue_full, 0);
      assert.equal(lost + arrived.length, 1000);
    });
  }

  test("a full queue is told by its bytes, too", async (t) => {
    let isUp = false;
    const made = await server(t, () => [isUp ? 202 : 503]);
    const log = logger(t, made.url, { maxQueueBytes: 50_000, batchBytes: 5000 });
    for (let n = 0; n < 100; n++) log.info("x".repeat(1000));
    await log.flush();
    isUp = true;
    await until(async () => (await log.flush()) && dropped(made.accepted).length > 0, "the rest");
    const arrived = made.accepted.filter(({ message }) => message[0] === "x").length;
    assert.ok(arrived >= 40 && arrived <= 50, `${arrived}`);
    assert.equal(dropped(made.accepted)[0].queue_full + arrived, 100);
  });

  test("a record beyond all measure is dropped, and counted", async (t) => {
    const { url, batches } = await server(t);
    const log = logger(t, url);
    log.info("x".repeat(600_000));
    log.info("small");
    await log.flush();
    assert.deepEqual(messages(batches[0].logs), ["small", "1 records were dropped"]);
    assert.deepEqual(dropped(batches[0].logs), [{ too_large: 1 }]);
  });

  test("what a program could not send is sent by the next one, under the same id", async (t) => {
    let isUp = false;
    const { url, batches } = await server(t, () => (isUp ? [202] : undefined));
    const storage = fileStorage(folder(t));
    const first = init({ url, key: "rlk_a", storage });
    first.info("kept");
    assert.equal(await first.close(), false);
    isUp = true;
    const second = logger(t, url, { storage, key: "rlk_b" });
    assert.equal(await second.flush(), true);
    const [tried, sent] = batches.slice(-2);
    assert.equal(tried.batch_id, sent.batch_id);
    assert.deepEqual(tried.context, sent.context);
    assert.equal(sent.url, "/api/v1/logs?key=rlk_a");
    assert.deepEqual(await storage.keys(), []);
  });

  test("what was sent as its page was left is not sent again when the server would not know it", async (t) => {
    const made = await server(t);
    const storage = fileStorage(folder(t));
    const row = (message, hours) => ({ key: "rlk_a", context: "{}", texts: [`{"message":"${message}"}`], left: hours && Date.now() - hours * 3600e3 });
    storage.put("000000001-a-1-20", row("left long ago", 72));
    storage.put("000000001-b-1-20", row("left just now", 70));
    storage.put("000000001-c-1-20", row("never sent"));
    const log = logger(t, made.url, { storage });
    await log.flush();
    await log.flush();
    assert.deepEqual(messages(made.accepted), ["left just now", "never sent", "1 records were dropped"]);
    assert.deepEqual(dropped(made.accepted), [{ unsure: 1 }]);
  });

  for (const [name, storage] of Object.entries(BROKEN)) {
    test(`a storage that ${name} costs nothing but what outlives the page`, async (t) => {
      const made = await server(t);
      const log = logger(t, made.url, { storage });
      for (const message of numbers(5)) log.info(message);
      assert.equal(await log.flush(), true);
      assert.deepEqual(messages(made.accepted).filter((message) => message !== "old"), numbers(5));
      assert.equal(new Set(made.batches.map(({ batch_id }) => batch_id)).size, made.batches.length);
    });
  }

  test("a storage that never answers delays, but keeps nothing back", async (t) => {
    const made = await server(t);
    const log = init({ url: made.url, key: "rlk_a", flushMs: 20, storage: { keys: never, get: never, put: never, remove: never } });
    log.info("m0");
    await until(() => made.accepted.length === 1, "the record");
    assert.deepEqual(messages(made.accepted), ["m0"]);
  });

  test("files are whole, and only those of the queue", async (t) => {
    const where = folder(t);
    const storage = fileStorage(where);
    storage.put("a-1", { texts: ["密"] });
    assert.deepEqual([storage.get("a-1"), storage.get("b-1")], [{ texts: ["密"] }, undefined]);
    assert.deepEqual([readdirSync(where), storage.keys()], [["a-1.json"], ["a-1"]]);
    assert.deepEqual([storage.remove("a-1"), storage.remove("a-1")], [true, false]);
  });
});
