// Makes dist/redlog.js, which pages load as <script>: the modules of src in one function, minified.
// `npm install && npm run build`. Its first line holds the hashes by which a test knows, without
// the minifier, that it was made of these sources.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

const MODULES = ["record", "storage", "transport", "waiting", "batches", "queue", "capture", "index"];
export const DIST = new URL("dist/redlog.js", import.meta.url);
const read = (name) => readFileSync(new URL(`src/${name}.js`, import.meta.url), "utf8");
const hash = (text) => createHash("sha256").update(text).digest("hex").slice(0, 16);
const unwrapped = (code) => code.replace(/^import .*\n/gm, "").replace(/^export /gm, "");

/** The sources as one script; several names of a module are imported on one line each. */
export function joined() {
  return `globalThis.redlog = (() => {\n"use strict";\n${MODULES.map(read).map(unwrapped).join("")}return { init };\n})();\n`;
}

/** The first line of what was made of these sources. */
export function banner(code) {
  return `/*! RedLog, MIT licence; source ${hash(joined())}, code ${hash(code)} */\n`;
}

/** What stands in dist, if the minifier is installed. */
export async function build() {
  const { minify } = await import("terser");
  const { code } = await minify(joined(), { ecma: 2020, toplevel: true, format: { ascii_only: true }, compress: { passes: 3, ecma: 2020 } });
  return banner(code) + code;
}

if (process.argv[1] === new URL(import.meta.url).pathname) writeFileSync(DIST, await build());
