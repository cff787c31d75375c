// At the side: fields with their most frequent values, each a filter.
import { html } from "../html.js";
import { addFacet, canCount, chosen, isCovering, isShown, toggleFacets } from "../model/facets.js";
import { isWide } from "../model/preferences.js";
import { attributesOf, TEXTS } from "../model/query.js";
import { list, revision } from "../model/rows.js";
import { t } from "../text/index.js";
import { AddField } from "./add-field.js";
import { Facet } from "./facet.js";

export function Facets() {
  if (!isShown.value) return null;
  const fields = chosen.value.map(({ field }) => field);
  const known = () => revision.value >= 0 && ["level", ...TEXTS, ...attributesOf(list.rows)];
  return html`
    <aside class="facets" aria-label=${t("facets")}>
      <div class=${isWide.value ? "unseen" : "facets-head"}>
        <h2>${t("facets")}</h2>
        ${isCovering.value && html`<button type="button" class="close" aria-label=${t("drawer.close")} title="Esc" onClick=${toggleFacets}>×</button>`}
      </div>
      <${AddField} label=${t("facets.add")} known=${known} taken=${fields} isGood=${canCount} add=${addFacet} />
      ${chosen.value.map(({ field, isFolded }) => html`<${Facet} key=${field} field=${field} isFolded=${isFolded} />`)}
    </aside>
  `;
}

export function FacetsToggle() {
  return html`<button type="button" class="facets-toggle" aria-expanded=${isShown.value} onClick=${toggleFacets}>${t("facets")}</button>`;
}
