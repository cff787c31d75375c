// What went wrong with the last request, but for the query's own faults.
import { html } from "../html.js";
import { problem, search, unreadableDays } from "../model/records.js";
import { t } from "../text/index.js";

export function Banner() {
  const { status, code, message } = problem.value ?? {};
  if (!problem.value || code === "bad_query") return html`<${Unreadable} />`;
  const isAway = status === 0 || status === 502 || status === 504;
  const isBusy = status === 503 || status === 429;
  const text = isAway ? t("problem.away") : isBusy ? t("problem.busy") : t("problem.refused", { detail: message || code });
  return html`
    <div class="banner" role="alert">
      <span>${text}</span>
      <button type="button" onClick=${search}>${t("problem.again")}</button>
    </div>
  `;
}

/** Records that are there but can't be shown are never left out in silence. */
function Unreadable() {
  const days = unreadableDays.value.join(", ");
  return html`<div role="status">${days && html`<p class="banner">${t("problem.unreadable", { days })}</p>`}</div>`;
}
