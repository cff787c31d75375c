// How a batch travels. A transport takes (url, body, isLeaving) and gives {status, retryAfter}: the
// reply's status and its Retry-After header, if any. It fails when there was no reply.

const ALWAYS_KEPT_ALIVE = 30_000; // of the 64 KiB that a page may have under way when it is left

/** By fetch; the body is text and the key stands in the URL, so that there is no preflight. */
export async function sendByFetch(url, body, isLeaving) {
  if (isLeaving && typeof Request === "function" && !("keepalive" in Request.prototype)) {
    navigator.sendBeacon(url, body);
    throw new Error("a beacon has no reply");
  }
  const keepalive = isLeaving || body.length < ALWAYS_KEPT_ALIVE;
  const reply = await fetch(url, { method: "POST", body, keepalive, credentials: "omit" });
  reply.text().catch(() => {}); // to its end, so that its connection can be used again
  return { status: reply.status, retryAfter: reply.headers.get("Retry-After") };
}
