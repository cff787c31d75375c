// What went wrong with the last request, but for the query's own faults.
import { html } from "../html.js";
import { problem, search } from "../model/records.js";
import { t } from "../text/index.js";

export function Banner() {
  const { status, code, message } = problem.value ?? {};
  if (!problem.value || code === "bad_query") return html`<div role="status"></div>`;
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
