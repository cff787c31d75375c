// What went wrong with the last request, but for the query's own faults.
import { html } from "../html.js";
import { isFaulty, problem, search, unreadableDays } from "../model/records.js";
import { t } from "../text/index.js";

export function Banner() {
  if (!problem.value || isFaulty.value) return html`<${Unreadable} />`;
  return html`<${Complaint} problem=${problem.value} again=${search} />`;
}

/** A request that failed, and a button that asks `again`. */
export function Complaint({ problem: { status, code, message }, again }) {
  const isAway = status === 0 || status === 502 || status === 504;
  const isBusy = status === 503 || status === 429;
  const text = isAway ? t("problem.away") : isBusy ? t("problem.busy") : t("problem.refused", { detail: message || code });
  return html`
    <div class="banner" role="alert">
      <span>${text}</span>
      <button type="button" onClick=${again}>${t("problem.again")}</button>
    </div>
  `;
}

/** Records that are there but can't be shown are never left out in silence. */
function Unreadable() {
  const days = unreadableDays.value.join(", ");
  return html`<div role="status">${days && html`<p class="banner">${t("problem.unreadable", { days })}</p>`}</div>`;
}
