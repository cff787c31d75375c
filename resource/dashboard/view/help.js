// The query language and the keyboard, at the side of what they are used on.
import { html } from "../html.js";
import { go } from "../model/address.js";
import { t } from "../text/index.js";
import { closePanel } from "./panel.js";

const QUERIES = [
  ["payment failed", "words"],
  ['"payment failed"', "phrase"],
  ["pay*fail", "star"],
  ["level>=warning", "level"],
  ["user_id:u-4*", "field"],
  ["attr.http.status>=500", "attr"],
  ["session_id:*", "has"],
  ["-logger:heartbeat", "not"],
  ["(timeout OR refused) level:error", "or"],
  ["time>=-15m", "time"],
];
const KEYS = [
  ["/", "search"],
  ["j k ↓ ↑", "move"],
  ["Enter", "open"],
  ["Esc", "close"],
  ["t", "tail"],
  ["s", "saved"],
  ["?", "help"],
];

export function Help() {
  return html`
    <aside class="drawer help" aria-label=${t("help")}>
      <div class="drawer-head">
        <h2>${t("help")}</h2>
        <button type="button" class="close" aria-label=${t("drawer.close")} title="Esc" onClick=${closePanel}>×</button>
      </div>
      <div class="drawer-body">
        <h3>${t("help.query")}</h3>
        <p>${t("help.try")}</p>
        <dl class="samples">
          ${QUERIES.map(
            ([q, meaning]) => html`<div key=${q}><dt><button type="button" onClick=${() => go({ q, record: "" })}>${q}</button></dt><dd>${t(`help.${meaning}`)}</dd></div>`,
          )}
        </dl>
        <h3>${t("help.keys")}</h3>
        <dl class="samples">
          ${KEYS.map(
            ([keys, meaning]) => html`<div key=${keys}><dt>${keys.split(" ").map((key) => html`<kbd key=${key}>${key}</kbd> `)}</dt><dd>${t(`key.${meaning}`)}</dd></div>`,
          )}
        </dl>
      </div>
    </aside>
  `;
}
