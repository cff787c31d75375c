// What a page asks of the server: the wait, the answer, or what went wrong and the next attempt.
import { html } from "../html.js";
import { useEffect } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { leave } from "../model/session.js";
import { t } from "../text/index.js";
import { Complaint } from "../view/banner.js";

const AGAIN_MS = 3000;

/** The answer of `request(signal)`: {value, problem, again}, asked anew when `key` changes, every so
 * many ms if `every` is given, and after a failure that passes. */
export function useAnswer(request, key = "", every = 0) {
  const state = useSignal({});
  const round = useSignal(0);
  useEffect(() => {
    const abort = new AbortController();
    let timer = 0;
    const later = (ms) => (timer = setTimeout(() => (document.hidden ? later(ms) : run()), ms));
    const keep = (more) => (state.value = { value: state.peek().key === key ? state.peek().value : undefined, key, ...more });
    const run = async () => {
      try {
        keep({ value: await request(abort.signal) });
        if (every) later(every);
      } catch (problem) {
        if (problem.name === "AbortError") return;
        if (problem.status === 401) return leave();
        if (problem.status === undefined) throw problem;
        keep({ problem });
        if (problem.status === 0 || problem.status === 429 || problem.status >= 500) later(AGAIN_MS);
      }
    };
    run();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [key, round.value]);
  const { value, problem } = state.value.key === key ? state.value : {};
  return { value, problem, again: () => (round.value += 1) };
}

/** Shows an answer by `children(value)`. */
export function Answer({ of: { value, problem, again }, children }) {
  return html`
    ${problem && html`<${Complaint} problem=${problem} again=${again} />`}
    ${value !== undefined ? children(value) : !problem && html`<p class="note waiting" role="status">${t("loading")}</p>`}
  `;
}
