// The names of the columns, above the rows.
import { html } from "../html.js";
import { widthsOf } from "../model/columns.js";
import { t } from "../text/index.js";
import { shortly } from "./value.js";

export function ListHead({ columns: names }) {
  const named = [t("column.time"), t("column.level"), ...names, t("column.message")];
  return html`
    <div class="head" role="rowgroup">
      <div class="row" role="row">${named.map((name) => html`<span role="columnheader" key=${name} title=${name}>${name}</span>`)}</div>
    </div>
  `;
}

/** How wide the columns are; it stays so while rows come. */
export function looksOf(fields, rows) {
  const widths = widthsOf(fields, rows, shortly).map((width) => width + 2);
  const least = widths.reduce((sum, width) => sum + width, 60);
  return { "--columns": widths.map((width) => `${width}ch`).join(" "), "--least": `${least}ch` };
}
