// For programs in Node that want their batches to outlive them: `init({..., storage: fileStorage("/var/lib/shop/redlog")})`.

import { mkdirSync, readFileSync, readdirSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ENDING = ".json";

/** Rows as files of a folder, written before `put` returns: also those of a program that crashes. */
export function fileStorage(folder) {
  const path = (id) => join(folder, id + ENDING);
  mkdirSync(folder, { recursive: true, mode: 0o700 });

  /** What is done, or undefined when there is no such file. */
  function unlessMissing(work) {
    try {
      return work();
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
  }

  return {
    keys: () => readdirSync(folder).filter((name) => name.endsWith(ENDING)).map((name) => name.slice(0, -ENDING.length)),
    get: (id) => unlessMissing(() => JSON.parse(readFileSync(path(id), "utf8"))),
    put(id, row) {
      writeFileSync(`${path(id)}.new`, JSON.stringify(row));
      renameSync(`${path(id)}.new`, path(id));
    },
    remove: (id) => unlessMissing(() => (unlinkSync(path(id)), true)) ?? false,
  };
}
