// What is published: built of its sources, small, and with types for all there is.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DIST, banner, build } from "../build.mjs";
import { init } from "../src/index.js";

const read = (name) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const MOST_BYTES = 5000;

test("dist/redlog.js is what the sources are built to: else run `npm run build`", async (t) => {
  const built = readFileSync(DIST, "utf8");
  const code = built.slice(built.indexOf("\n") + 1);
  assert.equal(built, banner(code) + code);
  const isHere = existsSync(new URL("../node_modules/terser", import.meta.url));
  if (isHere) assert.equal(built, await build());
  else t.diagnostic("by its hashes only, as the minifier is not installed");
});

test("dist/redlog.js is small, and needs nothing of its page but ASCII", () => {
  const built = readFileSync(DIST);
  assert.ok(gzipSync(built, { level: 9 }).length <= MOST_BYTES);
  assert.ok(built.every((byte) => byte < 128));
});

test("dist/redlog.js has the same logger", async () => {
  await import(DIST);
  assert.deepEqual(Object.keys(globalThis.redlog.init({})), Object.keys(init({})));
});

test("the types name every method and option", () => {
  const types = read("redlog.d.ts");
  const body = (name) => types.match(new RegExp(`export interface ${name} \\{([^]*?)\\n\\}`))[1];
  const names = (name) => [...body(name).matchAll(/^ {2}(\w+)\??[:(]/gm)].map(([, each]) => each);
  assert.deepEqual(names("Logger").sort(), Object.keys(init({})).sort());
  const used = new Set();
  const seen = new Proxy({ url: "https://logs.example.com", key: "k" }, { get: (target, option) => (used.add(option), target[option]) });
  init(seen);
  assert.deepEqual(names("Options").sort(), [...used].sort());
});

test("the package holds what it names, and depends on nothing", () => {
  const { exports, files, dependencies } = JSON.parse(read("package.json"));
  const named = Object.values(exports).flatMap((each) => (typeof each === "string" ? each : Object.values(each)));
  assert.deepEqual([...named, ...files].filter((path) => !existsSync(new URL(`../${path}`, import.meta.url))), []);
  assert.equal(dependencies, undefined);
});
