// One record with everything that is known of it, and what is beside it.
import { html } from "../html.js";
import { useSignal, useSignalEffect } from "../vendor/signals.js";
import { go, linkTo, view } from "../model/address.js";
import { ask } from "../model/api.js";
import { list, moveSelection, revision, selected } from "../model/rows.js";
import { t } from "../text/index.js";
import { CopyButton } from "./copy-button.js";
import { closePanel, openRecord } from "./panel.js";
import { RecordFields } from "./record-fields.js";
import { Around, hasTimeline, Timeline } from "./trail.js";

const TABS = { "": RecordFields, "around": Around, "timeline": Timeline };

export function Drawer() {
  const record = useRecord();
  if (!record) return null;
  if (record.isGone) return html`<aside class="drawer" aria-label=${t("drawer")}><${Head} /><p class="note">${t("drawer.gone")}</p></aside>`;
  const there = Object.keys(TABS).filter((tab) => tab !== "timeline" || hasTimeline(record));
  const tab = there.includes(view.value.tab) ? view.value.tab : "";
  return html`
    <aside class="drawer" aria-label=${t("drawer")}>
      <${Head} record=${record}><${Tabs} there=${there} tab=${tab} /><//>
      <div class="drawer-body"><${TABS[tab]} record=${record} /></div>
    </aside>
  `;
}

function Tabs({ there, tab }) {
  return html`
    <div class="tabs" role="group" aria-label=${t("drawer.tabs")}>
      ${there.map((name) => html`<button type="button" key=${name} data-tab=${name} aria-pressed=${name === tab} onClick=${() => go({ tab: name }, true)}>${t(`drawer.tab.${name || "record"}`)}</button>`)}
    </div>
  `;
}

function Head({ record, children }) {
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
      ${children}
    </div>
  `;
}

/** The record of the address: from the list, else from the server. */
function useRecord() {
  const found = useSignal(null);
  useSignalEffect(() => {
    const { record } = view.value;
    const isLoaded = revision.value >= 0 && list.ids.has(record);
    if (!record || found.peek()?.id === record) return;
    if (isLoaded) return void (found.value = list.rows.find(({ id }) => id === record));
    const abort = new AbortController();
    ask(`logs/${encodeURIComponent(record)}`, { signal: abort.signal })
      .then((one) => (found.value = one))
      .catch((error) => error.name !== "AbortError" && (found.value = { id: record, isGone: true }));
    return () => abort.abort();
  });
  return found.value;
}
