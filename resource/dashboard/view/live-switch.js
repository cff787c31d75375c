// Whether new records come by themselves.
import { html } from "../html.js";
import { endsNow } from "../model/address.js";
import { isLive } from "../model/live.js";
import { t } from "../text/index.js";
import { togglePause } from "./keys.js";

export function LiveSwitch() {
  if (!endsNow.value) return null;
  const state = isLive.value ? "on" : "off";
  return html`
    <button type="button" class=${`live ${state}`} aria-pressed=${isLive.value} title=${t("live.hint")} onClick=${togglePause}>
      <span class="dot" aria-hidden="true"></span>${t(`live.${state}`)}
    </button>
  `;
}
