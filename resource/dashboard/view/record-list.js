// The list: as many rows as the screen holds, whatever is loaded; pages come while scrolling.
import { html } from "../html.js";
import { useEffect, useLayoutEffect, useMemo, useRef } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { view } from "../model/address.js";
import { columns, widthsOf } from "../model/columns.js";
import { isNarrow } from "../model/preferences.js";
import { isLoading, list, loadUpTo, MAX_ROWS, problem, revision, selected } from "../model/records.js";
import { number, t } from "../text/index.js";
import { Empty } from "./empty.js";
import { inlineFields, RecordRow } from "./record-row.js";
import { shortly } from "./value.js";

const [ROW, NARROW_ROW, SPARE, AHEAD] = [26, 50, 12, 400];

export function RecordList() {
  const box = useRef(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const arrived = useRef(0);
  const { rows, cursor } = list;
  const row = isNarrow.value ? NARROW_ROW : ROW;
  const first = Math.max(0, Math.floor(top.value / row) - SPARE);
  const last = Math.min(rows.length, Math.ceil((top.value + height.value) / row) + SPARE);
  const apart = isNarrow.value ? [] : columns.value;
  const inline = isNarrow.value ? [...inlineFields(columns.value), ...columns.value] : inlineFields(apart);

  const looks = useMemo(() => looksOf(apart, rows), [columns.value, isNarrow.value, list.question, !rows.length]);

  useEffect(() => {
    const resized = new ResizeObserver(([{ contentRect }]) => (height.value = contentRect.height));
    resized.observe(box.current);
    return () => resized.disconnect();
  }, []);
  useLayoutEffect(() => {
    const more = list.arrived - arrived.current;
    arrived.current = list.arrived;
    if (more < 0) box.current.scrollTop = 0; // another question
    else if (more && box.current.scrollTop > row) box.current.scrollTop += more * row; // what is read stays
  }, [revision.value]);
  useEffect(() => void loadUpTo(last + AHEAD), [last, revision.value]);
  useEffect(() => reveal(box.current, row), [selected.value]);

  return html`
    <div
      ref=${box} class=${`list ${apart.length ? "with-columns" : ""}`} style=${looks} tabindex="0" role="grid" aria-label=${t("list")} aria-rowcount=${rows.length || undefined} aria-busy=${isLoading.value}
      aria-activedescendant=${selected.value && rows.length ? `row-${selected.value}` : undefined}
      onScroll=${(event) => (top.value = event.currentTarget.scrollTop)}
    >
      ${apart.length > 0 && html`<${Head} columns=${apart} />`}
      ${rows.length > 0 &&
      html`<div class="rows" role="rowgroup" style=${{ height: `${rows.length * row}px` }}>
        <div role="presentation" style=${{ transform: `translateY(${first * row}px)` }}>
          ${rows.slice(first, last).map(
            (record, index) => html`<${RecordRow} key=${record.id} record=${record} index=${first + index} columns=${apart} inline=${inline} isSelected=${record.id === selected.value} isOpen=${record.id === view.value.record} />`,
          )}
        </div>
      </div>`}
      <${Foot} rows=${rows} cursor=${cursor} />
    </div>
  `;
}

/** How wide the columns are; it stays so while rows come. */
function looksOf(fields, rows) {
  const widths = widthsOf(fields, rows, shortly).map((width) => width + 2);
  const least = widths.reduce((sum, width) => sum + width, 60);
  return { "--columns": widths.map((width) => `${width}ch`).join(" "), "--least": `${least}ch` };
}

function Head({ columns: names }) {
  const named = [t("column.time"), t("column.level"), ...names, t("column.message")];
  return html`
    <div class="head" role="rowgroup">
      <div class="row" role="row">${named.map((name) => html`<span role="columnheader" key=${name} title=${name}>${name}</span>`)}</div>
    </div>
  `;
}

function Foot({ rows, cursor }) {
  if (isLoading.value && !rows.length) return html`<div class="note" role="row"><p role="gridcell" class="waiting">${t("loading")}</p></div>`;
  if (!rows.length && problem.value?.code === "bad_query") return html`<div class="note" role="row"><p role="gridcell">${t("empty.fault")}</p></div>`;
  if (!rows.length) return !problem.value && revision.value > 0 && html`<div role="row"><div role="gridcell"><${Empty} /></div></div>`;
  const text = rows.length >= MAX_ROWS ? t("list.most", { count: number(rows.length) }) : t(cursor ? "list.more" : "list.end");
  return html`<div class="note" role="row"><p role="gridcell">${text}</p></div>`;
}

/** Scroll as far as the selected row is to be seen. */
function reveal(box, row) {
  const index = list.rows.findIndex(({ id }) => id === selected.peek());
  if (index < 0) return;
  const { scrollTop, clientHeight } = box;
  const room = clientHeight - (box.querySelector(".head")?.offsetHeight ?? 0);
  if (index * row < scrollTop) box.scrollTop = index * row;
  else if ((index + 1) * row > scrollTop + room) box.scrollTop = (index + 1) * row - room;
}
