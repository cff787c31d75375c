// How long something takes that is under way.
import { html } from "../html.js";
import { useEffect } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { t } from "../text/index.js";

/** From the second second on. */
export function Seconds() {
  const seconds = useSignal(0);
  useEffect(() => {
    const timer = setInterval(() => (seconds.value += 1), 1000);
    return () => clearInterval(timer);
  }, []);
  return seconds.value > 1 && html`<span class="seconds">${t("seconds", { seconds: seconds.value })}</span>`;
}
