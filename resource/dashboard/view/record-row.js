// A record in one line: when, how grave, the chosen columns, where from, what.
import { html } from "../html.js";
import { view } from "../model/address.js";
import { valueAt } from "../model/query.js";
import { selected } from "../model/rows.js";
import { apps } from "../model/session.js";
import { clockOf, dayOf } from "../model/time.js";
import { openRecord } from "./panel.js";
import { shortly } from "./value.js";

/** `columns`: fields with a cell of their own; `inline`: those with a place before the message. */
export function RecordRow({ record, index, columns, inline, isSelected, isOpen }) {
  const { id, time, level, message, exception, untrusted } = record;
  const open = () => {
    selected.value = id;
    openRecord(id);
  };
  const source = inline.map((field) => shortly(field, valueAt(record, field))).filter(Boolean).join(" · ");
  return html`
    <div id=${`row-${id}`} role="row" class=${`row ${level} ${isOpen ? "open" : ""}`} aria-rowindex=${index + 1} aria-selected=${isSelected} onClick=${open}>
      <span role="gridcell" class="time"><span class="day">${dayOf(time)}</span> ${clockOf(time)}</span>
      <span role="gridcell" class="name">${level}</span>
      ${columns.map((field) => html`<${Cell} key=${field} text=${shortly(field, valueAt(record, field))} />`)}
      <span role="gridcell" class="message">
        ${source && html`<span class="source">${source}</span>`}${untrusted && html`<span class="source">?</span>`}
        ${message.slice(0, 400)}${exception && html`<span class="kind">${exception.type ?? ""}</span>`}
      </span>
    </div>
  `;
}

const Cell = ({ text }) => html`<span role="gridcell" class="column" title=${text}>${text}</span>`;

/** The fields that stand before the message: app and logger, where no column shows them. */
export function inlineFields(columns) {
  const isSeveral = !view.value.app && apps.value.length > 1;
  return [isSeveral && "app", "logger"].filter((field) => field && !columns.includes(field));
}
