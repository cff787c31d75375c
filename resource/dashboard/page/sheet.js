// The frame of a page, and small things that stand on many of them.
import { html } from "../html.js";
import { view } from "../model/address.js";
import { wholeTime } from "../model/time.js";
import { number, t } from "../text/index.js";
import { Link } from "../view/link.js";

/** `parts`: [[part, text]], the first of which is shown by an address without a part. */
export function Sheet({ title, above, parts = [], children }) {
  const { page, id } = view.value;
  const to = id ? { id } : {};
  return html`
    <div class="leaf">
      ${above && html`<p class="above">${above}</p>`}
      <h1>${title}</h1>
      ${parts.length > 1 && html`<nav class="parts" aria-label=${title}>${parts.map(([part, text]) => html`<${Link} key=${part} page=${page} to=${{ ...to, part }} class="tab">${text}<//>`)}</nav>`}
      ${children}
    </div>
  `;
}

/** The part of the address among `parts` ({name: component}); the first one when there is none. */
export function partOf(parts) {
  const { part } = view.value;
  return Object.hasOwn(parts, part) ? parts[part] : parts[""];
}

/** A table: `heads` are the columns' texts, `rows` [{key, cells}], the first cell of which names it;
 * numbers stand to the right. */
export function Table({ label, heads, rows, foot }) {
  const cell = (each, index) => {
    if (!index) return html`<th scope="row">${each}</th>`;
    const isNumber = typeof each === "number";
    return html`<td class=${isNumber ? "number" : ""} data-head=${heads[index] === t("actions") ? "" : heads[index]}>${isNumber ? number(each) : each}</td>`;
  };
  return html`
    <table class="table" aria-label=${label}>
      <thead><tr>${heads.map((head, index) => html`<th key=${head} scope="col" class=${typeof rows[0]?.cells[index] === "number" ? "number" : ""}>${head}</th>`)}</tr></thead>
      <tbody>${rows.map(({ key, cells }) => html`<tr key=${key}>${cells.map(cell)}</tr>`)}</tbody>
      ${foot && html`<tfoot><tr>${foot.map(cell)}</tr></tfoot>`}
    </table>
  `;
}

/** A time, to the minute or second; without one `never`. */
export function When({ time, never = "–", seconds }) {
  return time ? html`<time datetime=${time} title=${wholeTime(time)}>${wholeTime(time).slice(0, seconds ? 19 : 16)}</time>` : never;
}

/** Bytes as "1.5 GiB". */
export function size(bytes) {
  const power = bytes > 0 ? Math.min(4, Math.floor(Math.log2(bytes) / 10)) : 0;
  const scaled = bytes / 1024 ** power;
  return `${number(+scaled.toFixed(scaled < 10 && power ? 1 : 0))} ${["B", "KiB", "MiB", "GiB", "TiB"][power]}`;
}

/** The names of apps by their ids; `null`: all of them. */
export function appNames(ids, apps) {
  if (!ids) return t("all-apps");
  return ids.map((id) => apps.find((app) => app.id === id)?.name ?? `#${id}`).join(", ") || "–";
}
