import type { Storage } from "../redlog.js";

/** Rows as files of a folder, which is made if need be. */
export function fileStorage(folder: string): Storage;
