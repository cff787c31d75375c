// Nothing found: what to do about it.
import { html } from "../html.js";
import { apiBase, endsNow, go, view } from "../model/address.js";
import { apps } from "../model/session.js";
import { t } from "../text/index.js";
import { CopyButton } from "./copy-button.js";

export function Empty() {
  const { q, level, range } = view.value;
  const isAsking = q || level;
  return html`
    <div class="empty">
      <p class="headline">${t(isAsking ? "empty.query" : "empty.none")}</p>
      ${(isAsking || endsNow.value) && html`<p>${t(isAsking ? "empty.query.more" : "empty.none.more")}</p>`}
      <p class="ways">
        ${range !== "7d" && html`<button type="button" onClick=${() => go({ range: "7d", from: "", to: "" })}>${t("empty.widen")}</button>`}
        ${isAsking && html`<button type="button" onClick=${() => go({ q: "", level: "" })}>${t("empty.clear")}</button>`}
      </p>
      ${!isAsking && endsNow.value && html`<${FirstRecord} />`}
    </div>
  `;
}

/** A line that reports a record. Those who may only look don't know the key. */
function FirstRecord() {
  const app = apps.value.find(({ id }) => String(id) === view.value.app) ?? apps.value[0];
  const line = [
    `curl ${apiBase || location.origin}/api/v1/logs \\`,
    `  -H 'X-Redlog-Key: ${app?.ingest_key ?? "rlk_…"}' \\`,
    `  -d '{"message": "hello, 你好", "level": "info"}'`,
  ].join("\n");
  return html`<div class="snippet"><pre tabindex="0">${line}</pre><${CopyButton} text=${line} /></div>`;
}
