// How often something is done again that may take long.

const SHARE = 20; // so many times as long as it took, the server is left in peace

/** Whether what ended `at` and `took` so long (ms) may be done again, `every` ms at most. */
export const isDue = ({ at, took }, every = 0) => Date.now() - at >= Math.max(every, SHARE * took);
