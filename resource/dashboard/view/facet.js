// One field with its most frequent values: click one to filter for it, the sign beside it (or alt
// and click) to filter it out.
import { html } from "../html.js";
import { go, view } from "../model/address.js";
import { counts, shownLevels, totals } from "../model/counts.js";
import { askAgain, facets, FEW, foldFacet, MANY, removeFacet } from "../model/facets.js";
import { isFaulty } from "../model/records.js";
import { canAsk, hasTerm, term, withoutTerm, withTerm } from "../model/query.js";
import { number, t } from "../text/index.js";
import { shown } from "./value.js";

export function Facet({ field, isFolded }) {
  const found = facets.value[field] ?? {};
  return html`
    <section class="facet" data-facet=${field}>
      <h3>
        <button type="button" class="fold" aria-expanded=${!isFolded} onClick=${() => foldFacet(field)}>${field}</button>
        <button type="button" class="drop" aria-label=${t("facets.drop", { field })} title=${t("facets.drop", { field })} onClick=${() => removeFacet(field)}>×</button>
      </h3>
      ${!isFolded && html`<${Values} field=${field} ...${found} />`}
    </section>
  `;
}

function Values({ field, values, limit = FEW, failed, isAsked, isLess, isAbout }) {
  if (isFaulty.value) return null;
  if (failed) return html`<p class="hint">${t("facets.failed")} <button type="button" class="link" onClick=${() => askAgain(field, limit)}>${t("problem.again")}</button></p>`;
  if (!values) return html`<p class="hint">${t("histogram.wait")}</p>`;
  if (!values.length) return html`<p class="hint">${t(isLess ? "facets.less" : "facets.none")}</p>`;
  const total = counts.value ? shownLevels.value.reduce((sum, name) => sum + totals.value[name], 0) : 0;
  const most = Math.max(total, values[0].count);
  const sign = isLess ? "≥" : isAbout ? "≈" : "";
  const why = isLess ? t("facets.less") : isAbout ? t("facets.about") : "";
  return html`
    <ul class=${isAsked ? "waiting" : ""}>
      ${values.map(({ value, count }) => html`<${Value} key=${JSON.stringify(value)} ...${{ field, value, count, sign, why }} share=${count / most} />`)}
    </ul>
    ${values.length === limit && limit < MANY && html`<button type="button" class="link" onClick=${() => askAgain(field, MANY)}>${t("facets.more")}</button>`}
  `;
}

function Value({ field, value, count, share, sign, why }) {
  const text = shown(field, value);
  const isText = value === null || typeof value !== "object";
  const asked = field === "app" || (isText && canAsk(field, value)) ? term(field, value) : "";
  const isOn = asked && hasTerm(view.value.q, asked);
  const filter = (isExcluded) => {
    if (field === "app") return go({ app: String(value) });
    const { q } = view.peek();
    go({ q: isOn ? withoutTerm(q, asked) : withTerm(q, asked, isExcluded) });
  };
  const title = [text, `${Math.round(share * 1000) / 10} %`, why].filter(Boolean).join(" · ");
  return html`
    <li>
      <button type="button" class="pick" disabled=${!asked} aria-pressed=${Boolean(isOn)} title=${title} onClick=${(event) => filter(event.altKey)}>
        <span class="share" style=${{ width: `${share * 100}%` }}></span>
        <span class="what">${text || "∅"}</span> <span class="many">${sign}${number(count)}</span>
      </button>
      ${asked && field !== "app" && !isOn && html`<button type="button" class="out" aria-label=${t("facets.out", { value: text })} title=${t("field.out")} onClick=${() => filter(true)}>−</button>`}
    </li>
  `;
}
