// Whether new records come by themselves, and how many a second.
import { html } from "../html.js";
import { endsNow } from "../model/address.js";
import { isLive } from "../model/live.js";
import { search } from "../model/records.js";
import { isTailing, missed, rate } from "../model/tail.js";
import { number, t } from "../text/index.js";
import { toggleTail } from "./keys.js";

export function LiveSwitch() {
  if (!endsNow.value) return null;
  const state = isLive.value ? "on" : "off";
  return html`
    <button type="button" class=${`live ${state}`} aria-pressed=${isLive.value} data-tailing=${isTailing.value} title=${t(isTailing.value || !isLive.value ? "live.hint" : "live.polled")} onClick=${toggleTail}>
      <span class="dot" aria-hidden="true"></span>${t(`live.${state}`)}${isTailing.value && rate.value > 0 && html` <span class="rate">${t("live.rate", { count: number(rate.value) })}</span>`}
    </button>
    ${missed.value > 0 && html`<button type="button" class="missed" title=${t("live.missed.hint")} onClick=${search}>${t("live.missed", { count: number(missed.value) })}</button>`}
  `;
}
