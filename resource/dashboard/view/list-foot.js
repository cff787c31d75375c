// What stands below the rows: whether there are more, how far the search came, or why there are none.
import { html } from "../html.js";
import { counts } from "../model/counts.js";
import { goOn, isFaulty, isGoingOn, isLoading, problem, stop } from "../model/records.js";
import { list, MAX_ROWS, revision } from "../model/rows.js";
import { shortTime } from "../model/time.js";
import { number, t } from "../text/index.js";
import { Empty } from "./empty.js";
import { Seconds } from "./seconds.js";

const cell = (inner) => html`<div class="note" role="row"><div role="gridcell">${inner}</div></div>`;

export function ListFoot() {
  const { rows, cursor, searchedTo } = revision.value >= 0 && list;
  if (isLoading.value && !rows.length) return cell(html`<p class="waiting">${t("loading")} <${Seconds} /></p>`);
  if (searchedTo) return cell(html`<${Searched} to=${searchedTo} />`);
  if (!rows.length && isFaulty.value) return cell(t("empty.fault"));
  if (!rows.length) return !problem.value && list.question && html`<div role="row"><div role="gridcell"><${Empty} /></div></div>`;
  return cell(rows.length >= MAX_ROWS ? t("list.most", { count: number(rows.length) }) : t(cursor ? "list.more" : "list.end"));
}

/** The time was up: how far it came, and on request further. */
function Searched({ to }) {
  const seconds = Date.parse(to) / 1000;
  const share = counts.value ? (counts.value.to - seconds) / (counts.value.to - counts.value.from) : 0;
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return html`
    <p class="searched">${t("searched", { time: shortTime(seconds) })} ${isGoingOn.value && html`<${Seconds} />`}</p>
    <div class="progress" role="progressbar" aria-label=${t("searched.progress")} aria-valuemin="0" aria-valuemax="100" aria-valuenow=${percent}><span style=${{ width: `${percent}%` }}></span></div>
    ${isGoingOn.value
      ? html`<button type="button" class="stop" onClick=${stop}>${t("searched.stop")}</button>`
      : html`<button type="button" class="main go-on" onClick=${goOn}>${t("searched.on")}</button>`}
  `;
}
