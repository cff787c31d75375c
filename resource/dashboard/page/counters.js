// Where the records of an app went: what was received is the sum of all that became of it.
import { html } from "../html.js";
import { endsNow, go, view } from "../model/address.js";
import { ask } from "../model/api.js";
import { apps } from "../model/session.js";
import { shortTime } from "../model/time.js";
import { number, t } from "../text/index.js";
import { RangePicker } from "../view/range-picker.js";
import { Answer, useAnswer } from "./answer.js";
import { Sheet, Table } from "./sheet.js";

const EVERY_MS = 5000;
// What may become of a record, in the order of the stacks, from the foot.
const OUTCOMES = ["stored", "duplicate", "filtered", "rejected", "shed"];

export default function Counters() {
  const app = view.value.app || String(apps.value[0]?.id ?? "");
  const choose = (event) => go({ app: event.currentTarget.value });
  return html`
    <${Sheet} title=${t("counters")}>
      ${app
        ? html`
            <div class="view">
              <select class="apps" aria-label=${t("app")} value=${app} onChange=${choose}>${apps.value.map(({ id, name }) => html`<option key=${id} value=${String(id)}>${name}</option>`)}</select>
              <${RangePicker} />
            </div>
            <${Account} app=${app} />
          `
        : html`<p class="note">${t("app.none")}</p>`}
    <//>
  `;
}

function Account({ app }) {
  const { range, from, to } = view.value;
  const query = range === "custom" ? { from, to } : { from: `-${range}` };
  const path = `apps/${encodeURIComponent(app)}/counters`;
  const answer = useAnswer((signal) => ask(path, { query, signal }), JSON.stringify([path, query]), endsNow.value ? EVERY_MS : 0);
  return html`
    <${Answer} of=${answer}>
      ${(counters) => html`
        <${Ledger} ...${counters} />
        <${Chart} ...${counters} />
        <p class="hint">${t("counters.refused")}</p>
      `}
    <//>
  `;
}

const sumOf = (list) => list.reduce((sum, each) => sum + each, 0);

/** How many records there are of an outcome. */
const countOf = (counts, outcome) => (outcome === "rejected" ? sumOf(Object.values(counts.rejected)) : counts[outcome]);

function Ledger({ totals, pending }) {
  const counted = [...OUTCOMES.map((outcome) => [outcome, countOf(totals, outcome)]), ["pending", pending ?? 0]];
  const received = totals.received + (pending ?? 0);
  const sum = sumOf(counted.map(([, count]) => count));
  const rowOf = ([outcome, count]) => ({
    key: outcome,
    cells: [html`<i class=${`key ${outcome}`} aria-hidden="true"></i>${t(`count.${outcome}`)}`, outcome === "pending" && pending === null ? "?" : count, share(count, sum), t(`count.${outcome}.hint`)],
  });
  const [reasons, lost] = [totals.rejected, totals.lost].map((counts) => Object.entries(counts).sort((a, b) => b[1] - a[1]));
  const rows = counted.flatMap((each) => [
    rowOf(each),
    ...(each[0] === "rejected" ? reasons.map(([reason, count]) => ({ key: reason, cells: [html`<code class="reason">${reason}</code>`, "", "", html`${t("counters.of-them", { count: number(count) })}`] })) : []),
  ]);
  return html`
    <p class="equation" role="status">
      <b>${number(received)}</b> ${t("count.received")} =
      ${counted.map(([outcome, count], index) => html` ${index ? "+ " : ""}<span class="term"><b>${number(count)}</b> ${t(`count.${outcome}`)}</span>`)}
    </p>
    ${lost.length > 0 && html`<p class="lost"><b>${number(sumOf(lost.map(([, count]) => count)))}</b> ${t("count.lost")} ${lost.map(([reason, count]) => html`<span class="term"><code class="reason">${reason}</code> ${number(count)} </span>`)}</p>`}
    ${sum !== received && html`<p class="banner">${t("counters.wrong")}</p>`}
    <${Table} label=${t("counters")} heads=${["counters.outcome", "counters.records", "counters.share", "counters.meaning"].map((key) => t(key))} rows=${rows} foot=${[t("count.received"), received, share(received, sum), t("count.received.hint")]} />
  `;
}

const share = (count, all) => (all ? `${number(+((100 * count) / all).toFixed(1))} %` : "–");

/** Stacks over time. */
function Chart({ from, to, interval, buckets }) {
  const start = Math.floor(Date.parse(from) / 1000 / interval) * interval;
  const length = Math.max(1, Math.ceil((Date.parse(to) / 1000 - start) / interval));
  const most = Math.max(1, ...buckets.map(({ received }) => received));
  const name = t("counters.chart", { most: number(most), minutes: number(interval / 60) });
  return html`
    <figure class="chart">
      <figcaption>${name}</figcaption>
      <svg viewBox=${`0 0 ${length} 100`} preserveAspectRatio="none" role="img" aria-label=${name}>
        ${buckets.map((bucket) => html`<${Stack} key=${bucket.time} bucket=${bucket} at=${Math.round((Date.parse(bucket.time) / 1000 - start) / interval)} most=${most} />`)}
      </svg>
      <p class="ends"><span>${shortTime(start).slice(0, -3)}</span><span>${shortTime(Date.parse(to) / 1000).slice(0, -3)}</span></p>
    </figure>
  `;
}

function Stack({ bucket, at, most }) {
  const parts = OUTCOMES.map((outcome) => [outcome, countOf(bucket, outcome)]).filter(([, count]) => count);
  const said = parts.map(([outcome, count]) => `${t(`count.${outcome}`)} ${number(count)}`).join(", ");
  let below = 0;
  return html`
    <g>
      <title>${`${shortTime(Date.parse(bucket.time) / 1000).slice(0, -3)}: ${said}`}</title>
      ${parts.map(([outcome, count]) => {
        below += count;
        return html`<rect class=${outcome} x=${at + 0.07} width="0.86" y=${100 - (100 * below) / most} height=${(100 * count) / most} />`;
      })}
    </g>
  `;
}
