// Choosing columns: those that there are, and where one is added.
import { html } from "../html.js";
import { addColumn, canShow, columns, moveColumn, PLAIN, removeColumn } from "../model/columns.js";
import { attributesOf } from "../model/query.js";
import { list } from "../model/rows.js";
import { t } from "../text/index.js";
import { AddField } from "./add-field.js";
import { useDropdown } from "./dropdown.js";

export function Columns() {
  const { host, isOpen, toggle, onKeyDown } = useDropdown();
  return html`
    <div ref=${host} class="dropdown" onKeyDown=${onKeyDown}>
      <button type="button" class="columns-toggle" aria-expanded=${isOpen} onClick=${toggle}>${t("columns")}</button>
      ${isOpen && html`<${Choice} />`}
    </div>
  `;
}

function Choice() {
  const known = () => [...PLAIN, ...attributesOf(list.rows)];
  return html`
    <div class="sheet columns" role="group" aria-label=${t("columns")}>
      <ol>
        ${columns.value.map(
          (field, index) => html`
            <li key=${field}>
              <span>${field}</span>
              <button type="button" disabled=${!index} aria-label=${t("columns.left", { field })} title=${t("columns.left", { field })} onClick=${() => moveColumn(field)}>↑</button>
              <button type="button" class="drop" aria-label=${t("facets.drop", { field })} title=${t("facets.drop", { field })} onClick=${() => removeColumn(field)}>×</button>
            </li>
          `,
        )}
      </ol>
      ${!columns.value.length && html`<p class="hint">${t("columns.none")}</p>`}
      <${AddField} label=${t("columns.add")} known=${known} taken=${columns.value} isGood=${canShow} add=${addColumn} />
    </div>
  `;
}
