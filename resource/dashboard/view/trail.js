// Beside the open record: what came before and after it, or its whole session with the gaps.
import { html } from "../html.js";
import { useEffect, useRef } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { go, view } from "../model/address.js";
import { clockOf, wholeTime } from "../model/time.js";
import { clearTrail, loadAround, loadLater, loadTimeline, rowsOf, trail } from "../model/trail.js";
import { number, t } from "../text/index.js";

const [FEW, MORE, MOST] = [10, 50, 200];

/** Of the same what a record's trail can be; that of the address, if it has one. */
function kinds(record, all) {
  const there = all.filter((of) => of === "app" || record[`${of}_id`] !== undefined);
  return [there, there.includes(view.value.of) ? view.value.of : there[0]];
}

export const hasTimeline = (record) => kinds(record, ["session", "device"])[0].length > 0;

export function Around({ record }) {
  const [there, of] = kinds(record, ["session", "device", "app"]);
  const wanted = useSignal({ before: FEW, after: FEW });
  const { before, after } = wanted.value;
  useEffect(() => void loadAround(record, of, before, after), [record.id, of, before, after]);
  const widen = (side) => (wanted.value = { ...wanted.value, [side]: wanted.value[side] < MORE ? MORE : MOST });
  const earlier = before < MOST && (() => widen("before"));
  const later = after < MOST && (() => widen("after"));
  return html`<${Trail} ...${{ record, there, of, earlier, later }} />`;
}

export function Timeline({ record }) {
  const [there, of] = kinds(record, ["session", "device"]);
  const hours = useSignal(0);
  useEffect(() => void loadTimeline(record, of, hours.value), [record.id, of, hours.value]);
  const earlier = () => (hours.value = 4 * (hours.value || 1));
  const { gaps, gapsKnown } = trail.value;
  const lost = gaps.reduce((sum, { missing }) => sum + missing, 0);
  const sum = gapsKnown ? t(lost ? "timeline.lost" : "timeline.whole", { count: number(lost) }) : t("timeline.unknown");
  return html`<${Trail} ...${{ record, there, of, earlier, later: loadLater, sum }} />`;
}

function Trail({ record, there, of, earlier, later, sum }) {
  const box = useRef(null);
  const { records, hasEarlier, hasLater, isPartial, isAsked, problem } = trail.value;
  useEffect(() => clearTrail, []);
  useEffect(() => box.current.querySelector(".here")?.scrollIntoView({ block: "center" }), [records, record.id]);
  return html`
    <div ref=${box} class=${`trail ${isAsked ? "waiting" : ""}`} aria-busy=${Boolean(isAsked)}>
      <div class="kinds" role="group" aria-label=${t("trail.of")}>
        ${there.map((kind) => html`<button type="button" key=${kind} aria-pressed=${kind === of} onClick=${() => go({ of: kind }, true)}>${t(`trail.${kind}`)}</button>`)}
      </div>
      ${problem && html`<p class="complaint" role="alert">${problem.status ? t("problem.refused", { detail: problem.message || problem.code }) : t("problem.away")}</p>`}
      ${sum && records.length > 0 && html`<p class="hint" role="status">${sum}</p>`}
      ${isPartial && html`<p class="hint" role="status">${t("trail.partial")}</p>`}
      ${hasEarlier && earlier && html`<button type="button" class="link earlier" onClick=${earlier}>${t("trail.earlier")}</button>`}
      <ol>${rowsOf(trail.value).map((row) => html`<${Row} key=${row.record?.id ?? JSON.stringify(row)} ...${row} isHere=${row.record?.id === record.id} />`)}</ol>
      ${hasLater && later && html`<button type="button" class="link later" onClick=${later}>${t("trail.later")}</button>`}
    </div>
  `;
}

function Row({ record, gap, mark, isHere }) {
  if (mark) return html`<li class="mark-row">${mark}</li>`;
  if (gap) {
    const { first, last, missing } = gap;
    return html`<li class="gap">${t(missing === 1 ? "timeline.gap.one" : "timeline.gap", { first, last, count: number(missing) })}</li>`;
  }
  const { id, time, level, message, exception } = record;
  return html`
    <li class=${`${level} ${isHere ? "here" : ""}`} aria-current=${isHere}>
      <button type="button" title=${wholeTime(time)} onClick=${() => go({ record: id, tab: "" }, true)}>
        <span class="time">${clockOf(time)}</span> <span class="name">${level}</span> <span class="what">${message.slice(0, 300)}</span>${exception && html` <span class="kind">${exception.type ?? ""}</span>`}
      </button>
    </li>
  `;
}
