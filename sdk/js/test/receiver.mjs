// A server that takes reports as RedLog does, and answers as a test wants.

import { createServer } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** `answer(batch, number)` gives [status, headers]; nothing: the connection breaks. */
export async function receiver(answer = () => [202]) {
  const batches = [];
  const http = createServer(async (request, reply) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const text = Buffer.concat(pieces).toString();
    const batch = { ...JSON.parse(text), text, url: request.url, type: request.headers["content-type"], at: Date.now() };
    batches.push(batch);
    const [status, headers = {}] = answer(batch, batches.length - 1) ?? [];
    if (!status) return request.socket.destroy();
    batch.status = status;
    reply.writeHead(status, headers).end("{}");
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    batches,
    url: `http://127.0.0.1:${http.address().port}`,
    /** The records of the batches that were accepted, each batch once. */
    get accepted() {
      const once = new Map(batches.filter(({ status }) => status === 202).map((batch) => [batch.batch_id, batch]));
      return [...once.values()].flatMap(({ logs }) => logs);
    },
    close: () => {
      http.closeAllConnections();
      http.close();
    },
  };
}

export async function until(holds, what) {
  for (const end = Date.now() + 10_000; !(await holds()); await pause(5)) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
  }
}
