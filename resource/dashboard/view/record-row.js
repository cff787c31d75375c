// A record in one line: when, how grave, where from, what.
import { html } from "../html.js";
import { view } from "../model/address.js";
import { selected } from "../model/records.js";
import { apps } from "../model/session.js";
import { clockOf, dayOf } from "../model/time.js";
import { openRecord } from "./panel.js";

export function RecordRow({ record, index, isSelected, isOpen }) {
  const { id, time, level, message, logger, exception, app, untrusted } = record;
  const open = () => {
    selected.value = id;
    openRecord(id);
  };
  const source = [view.value.app || apps.value.length < 2 ? "" : nameOf(app), logger].filter(Boolean).join(" · ");
  return html`
    <div id=${`row-${id}`} role="row" class=${`row ${level} ${isOpen ? "open" : ""}`} aria-rowindex=${index + 1} aria-selected=${isSelected} onClick=${open}>
      <span role="gridcell" class="time"><span class="day">${dayOf(time)}</span> ${clockOf(time)}</span>
      <span role="gridcell" class="name">${level}</span>
      <span role="gridcell" class="message">
        ${source && html`<span class="source">${source}</span>`}${untrusted && html`<span class="source">?</span>`}
        ${message.slice(0, 400)}${exception && html`<span class="kind">${exception.type ?? ""}</span>`}
      </span>
    </div>
  `;
}

export function nameOf(id) {
  return apps.value.find((app) => app.id === id)?.name ?? String(id);
}
