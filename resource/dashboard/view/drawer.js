// One record with everything that is known of it.
import { html } from "../html.js";
import { useSignal, useSignalEffect } from "../vendor/signals.js";
import { linkTo, view } from "../model/address.js";
import { ask } from "../model/api.js";
import { flattened } from "../model/query.js";
import { list, moveSelection, revision, selected } from "../model/records.js";
import { wholeTime } from "../model/time.js";
import { t } from "../text/index.js";
import { CopyButton } from "./copy-button.js";
import { Field } from "./field.js";
import { closePanel, openRecord } from "./panel.js";
import { StackTrace } from "./stack-trace.js";
import { shown } from "./value.js";

const APART = ["message", "exception", "attributes", "id", "level", "severity"];

export function Drawer() {
  const record = useRecord();
  if (!record) return null;
  if (record.isGone) return html`<aside class="drawer" aria-label=${t("drawer")}><${Head} /><p class="note">${t("drawer.gone")}</p></aside>`;
  const { level, time, message, exception, attributes } = record;
  const plain = Object.entries(record).filter(([name]) => !APART.includes(name));
  return html`
    <aside class="drawer" aria-label=${t("drawer")}>
      <${Head} record=${record} />
      <p class=${`stamp ${level}`}><b>${level}</b> <time datetime=${time}>${wholeTime(time)}</time></p>
      <p class="whole-message">${message}</p>
      ${exception && html`<${StackTrace} exception=${exception} />`}
      ${attributes && html`<h3>${t("drawer.attributes")}</h3><${Fields} pairs=${flattened(attributes)} prefix="attr." />`}
      <h3>${t("drawer.fields")}</h3>
      <${Fields} pairs=${[["level", level], ...plain, ["message", message], ["id", record.id]]} prefix="" />
    </aside>
  `;
}

function Head({ record }) {
  const move = (by) => {
    selected.value = view.peek().record;
    openRecord(moveSelection(by));
  };
  return html`
    <div class="drawer-head">
      <h2>${t("drawer")}</h2>
      ${record &&
      html`
        <button type="button" aria-label=${t("drawer.newer")} title=${t("drawer.newer")} onClick=${() => move(-1)}>↑</button>
        <button type="button" aria-label=${t("drawer.older")} title=${t("drawer.older")} onClick=${() => move(1)}>↓</button>
        <${CopyButton} label=${t("drawer.link")} text=${() => linkTo({ record: record.id })} />
        <${CopyButton} label=${t("drawer.json")} text=${() => JSON.stringify(record, null, 2)} />
      `}
      <button type="button" class="close" aria-label=${t("drawer.close")} title="Esc" onClick=${closePanel}>×</button>
    </div>
  `;
}

function Fields({ pairs, prefix }) {
  return html`
    <dl class="fields">
      ${pairs.map(([name, value]) => html`<${Field} key=${name} name=${prefix + name} label=${name} value=${value} shown=${shown(prefix + name, value)} />`)}
    </dl>
  `;
}

/** The record of the address: from the list, else from the server. */
function useRecord() {
  const found = useSignal(null);
  useSignalEffect(() => {
    const { record } = view.value;
    const known = revision.value >= 0 && list.ids.has(record) && list.rows.find(({ id }) => id === record);
    if (known) return void (found.value = known);
    if (found.peek()?.id === record || !record) return;
    const abort = new AbortController();
    ask(`logs/${encodeURIComponent(record)}`, { signal: abort.signal })
      .then((one) => (found.value = one))
      .catch((error) => error.name !== "AbortError" && (found.value = { id: record, isGone: true }));
    return () => abort.abort();
  });
  return found.value;
}
