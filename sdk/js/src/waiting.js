// Waiting: not too long, not all at once, and not so that Node could not end.

const TURN_MS = 31e3; // a little longer than a batch may take

/** A timer that does not keep Node running. */
export function later(work, ms) {
  const timer = setTimeout(work, ms);
  timer.unref?.();
  return timer;
}

/** What a promise gives, if it does so in time. */
export function inTime(promise, ms) {
  let timer;
  const late = new Promise((_, reject) => (timer = later(() => reject(new Error("late")), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Work while no other tab does. It would do no harm, so nobody waits long for one that sleeps. */
export async function inTurn(name, work) {
  let isDone;
  const workOnce = () => isDone || ((isDone = true), work());
  try {
    await navigator.locks.request(name, { signal: AbortSignal.timeout(TURN_MS) }, workOnce);
  } catch {
    await workOnce();
  }
}

/** The milliseconds that a header Retry-After tells; 0: it tells none. */
export function waitOf(retryAfter) {
  return retryAfter ? Math.max(0, retryAfter * 1000 || Date.parse(retryAfter) - Date.now() || 0) : 0;
}
