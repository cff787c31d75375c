// React Native and WeChat, by what stands in for their parts: neither runs here.

import assert from "node:assert/strict";
import { test } from "node:test";
import { reactNative } from "../adapters/react-native.js";
import { wechat } from "../adapters/wechat.js";

/** The parts of WeChat's `wx` that are used; `answer` is what requests get, undefined: they fail. */
function makeWx() {
  const made = { kept: new Map(), requests: [], answer: undefined, on: {} };
  const wx = {
    getStorageSync: (key) => (made.kept.has(key) ? structuredClone(made.kept.get(key)) : ""),
    setStorageSync: (key, value) => made.kept.set(key, structuredClone(value)),
    removeStorageSync: (key) => made.kept.delete(key),
    getStorageInfoSync: () => ({ keys: [...made.kept.keys()] }),
    request({ success, fail, ...request }) {
      made.requests.push(request);
      setImmediate(() => (made.answer ? success(made.answer) : fail({ errMsg: "request:fail" })));
    },
    onAppHide: (hear) => (made.on.hide = hear),
    onError: (hear) => (made.on.error = hear),
    onUnhandledRejection: (hear) => (made.on.rejection = hear),
  };
  return { made, wx };
}

const options = { url: "https://logs.example.com", key: "rlk_a", captureErrors: true };
const parsed = (request) => JSON.parse(request.data ?? request.body);
const messages = (request) => parsed(request).logs.map(({ message }) => message);

test("a mini program keeps its queue, and sends it when it can", async () => {
  const { made, wx } = makeWx();
  made.kept.set("own", "the program's");
  const log = wechat(options, wx);
  log.info("offline");
  assert.equal(await log.flush(), false);
  assert.equal(made.kept.size, 2);
  await log.close();
  made.answer = { statusCode: 202, header: {} };
  const next = wechat({ ...options, context: { release: "2" } }, wx);
  made.on.error("boom at app.js");
  made.on.rejection({ reason: new TypeError("no") });
  made.on.hide();
  assert.equal(await next.flush(), true);
  assert.deepEqual([...made.kept.keys()], ["own"]);
  const [first, ...others] = made.requests;
  const again = others.find((request) => parsed(request).batch_id === parsed(first).batch_id);
  assert.deepEqual([messages(again), again.method, again.header["content-type"]], [["offline"], "POST", "text/plain"]);
  const last = made.requests.at(-1);
  assert.deepEqual(messages(last), ["boom at app.js", "unhandled rejection"]);
  assert.equal(parsed(last).logs[1].exception.type, "TypeError");
  assert.deepEqual([parsed(last).context.platform, parsed(last).context.release], ["wechat", "2"]);
});

test("a mini program is told when to come again", async () => {
  const { made, wx } = makeWx();
  made.answer = { statusCode: 503, header: { "Retry-After": "60" } };
  const log = wechat(options, wx);
  log.info("m");
  assert.equal(await log.flush(), false);
  assert.equal(await log.flush(), false);
  assert.equal(made.requests.length, 1);
  await log.close();
});

test("an app of React Native keeps its queue, and sends it when its state changes", async (t) => {
  const kept = new Map([["own", "1"]]);
  const AsyncStorage = {
    getAllKeys: async () => [...kept.keys()],
    getItem: async (key) => kept.get(key) ?? null,
    setItem: async (key, value) => void kept.set(key, value),
    removeItem: async (key) => void kept.delete(key),
  };
  let change, shown, isUp;
  const AppState = { addEventListener: (_, hear) => (change = hear) };
  globalThis.ErrorUtils = { getGlobalHandler: () => (error) => (shown = error), setGlobalHandler: (hear) => (globalThis.ErrorUtils.hear = hear) };
  t.after(() => delete globalThis.ErrorUtils);
  const requests = [];
  const transport = async (url, body) => (requests.push({ url, body }), { status: isUp ? 202 : 503 });
  const log = reactNative({ ...options, transport }, { AsyncStorage, AppState });
  const crash = new RangeError("crash");
  globalThis.ErrorUtils.hear(crash, true);
  assert.equal(shown, crash);
  assert.equal(await log.flush(), false);
  assert.equal(kept.size, 2);
  isUp = true;
  change("background");
  assert.equal(await log.flush(), true);
  assert.deepEqual([...kept.keys()], ["own"]);
  const { logs, context } = parsed(requests.at(-1));
  assert.deepEqual([logs[0].level, logs[0].exception.type, context.platform], ["fatal", "RangeError", "react-native"]);
  assert.equal(new Set(requests.map((request) => parsed(request).batch_id)).size, 1);
  await log.close();
});
