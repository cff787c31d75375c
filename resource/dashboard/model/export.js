// The records of the view as a file. A reply that is cut off makes none: a file is whole.
import { signal } from "../vendor/signals.js";
import { parametersOf, view } from "./address.js";
import { open } from "./api.js";
import { inUtc, toInput } from "./time.js";

const BYTE_ORDER_MARK = "\ufeff"; // by which spreadsheets know UTF-8

/** How many bytes have come of the export that is under way; -1: there is none. */
export const exported = signal(-1);
/** The zone of the times in CSV: the one that is shown. */
export const exportZone = () => (inUtc() ? "UTC" : Intl.DateTimeFormat().resolvedOptions().timeZone);

let abort = new AbortController();

/** Save what the view shows, however much, as "csv" or "ndjson". Raises Problem, and TypeError where the reply is cut off. */
export async function exportRecords(format) {
  abort = new AbortController();
  exported.value = 0;
  try {
    const query = { ...parametersOf(view.peek()), format, tz: format === "csv" ? exportZone() : "" };
    const reply = await open("logs/export", { query, signal: abort.signal });
    const counted = new TransformStream({
      transform(chunk, onwards) {
        exported.value += chunk.byteLength;
        onwards.enqueue(chunk);
      },
    });
    const blob = await new Response(reply.body.pipeThrough(counted)).blob();
    save(new Blob(format === "csv" ? [BYTE_ORDER_MARK, blob] : [blob]), `redlog-${toInput(Date.now()).replace(/\W/g, "")}.${format}`);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  } finally {
    exported.value = -1;
  }
}

export const cancelExport = () => abort.abort();

/** Save a file on the reader's machine. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
