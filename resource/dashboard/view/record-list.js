// The list: as many rows as the screen holds, whatever is loaded; pages come while scrolling.
import { html } from "../html.js";
import { useEffect, useLayoutEffect, useMemo, useRef } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { view } from "../model/address.js";
import { columns } from "../model/columns.js";
import { isNarrow } from "../model/preferences.js";
import { isLoading, loadUpTo } from "../model/records.js";
import { list, revision, selected } from "../model/rows.js";
import { t } from "../text/index.js";
import { ListFoot } from "./list-foot.js";
import { ListHead, looksOf } from "./list-head.js";
import { inlineFields, RecordRow } from "./record-row.js";

const [ROW, NARROW_ROW, SPARE, AHEAD] = [26, 50, 12, 400];

export function RecordList() {
  const box = useRef(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const anchor = useRef({});
  const { rows } = revision.value >= 0 && list;
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
  useLayoutEffect(() => void (anchor.current = kept(box.current, anchor.current, row)));
  // Who does not scroll needs no second page; and rows that all change are written over, not made anew.
  const isScrolled = top.value > 0;
  useEffect(() => void loadUpTo(last + (isScrolled ? AHEAD : 0)), [last, isScrolled, revision.value]);
  useEffect(() => reveal(box.current, row), [selected.value]);

  return html`
    <div
      ref=${box} class=${`list ${apart.length ? "with-columns" : ""}`} style=${looks} tabindex="0" role="grid" aria-label=${t("list")} aria-rowcount=${rows.length || undefined} aria-busy=${isLoading.value}
      aria-activedescendant=${selected.value && rows.length ? `row-${selected.value}` : undefined}
      onScroll=${(event) => (top.value = event.currentTarget.scrollTop)}
    >
      ${apart.length > 0 && html`<${ListHead} columns=${apart} />`}
      ${rows.length > 0 &&
      html`<div class="rows" role="rowgroup" style=${{ height: `${rows.length * row}px` }}>
        <div role="presentation" style=${{ transform: `translateY(${first * row}px)` }}>
          ${rows.slice(first, last).map(
            (record, index) => html`<${RecordRow} key=${isScrolled ? record.id : index} record=${record} index=${first + index} columns=${apart} inline=${inline} isSelected=${record.id === selected.value} isOpen=${record.id === view.value.record} />`,
          )}
        </div>
      </div>`}
      <${ListFoot} />
    </div>
  `;
}

/** What is read stays where it is while rows come above it; the first row that is seen. */
function kept(box, { ids, record, index }, row) {
  const at = ids === list.ids && record ? list.rows.indexOf(record, index) : -1;
  if (ids !== list.ids) box.scrollTop = 0; // another list
  else if (at > index && box.scrollTop > row) box.scrollTop += (at - index) * row;
  const seen = Math.floor(box.scrollTop / row);
  return { ids: list.ids, record: list.rows[seen], index: seen };
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
