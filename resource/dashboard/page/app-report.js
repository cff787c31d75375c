// How an app reports its first record, and whether one has come.
import { html } from "../html.js";
import { useMemo } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { apiBase } from "../model/address.js";
import { ask } from "../model/api.js";
import { language } from "../model/preferences.js";
import { t } from "../text/index.js";
import { CopyButton } from "../view/copy-button.js";
import { Link } from "../view/link.js";
import { useAnswer } from "./answer.js";
import { CLIENTS, valuesOf } from "./clients.js";

export function Report({ app }) {
  if (!app.ingest_key) return html`<p class="note">${t("app.no-key.report")}</p>`;
  const { ingest_key: key, require_signature: isSigned, allowed_origins: origins, allowed_packages: packages } = app;
  const from = packages.length ? ["X-Redlog-Package", packages[0]] : origins.length ? ["Origin", origins[0].replace("*", "www")] : undefined;
  const values = valuesOf({ server: apiBase || location.origin, key, secret: isSigned && app.secret, from });
  const clients = CLIENTS.filter((client) => client.signs || !isSigned);
  return html`
    <${Newest} app=${app.id} />
    ${isSigned && html`<p class="hint">${t("client.signed")}</p>`}
    <${Lines} clients=${clients} values=${values} origins=${origins} />
    <p class="hint">${t("snippet.more")} <a href=${`${apiBase}/api/docs?lang=${language.value}`} target="_blank" rel="noreferrer">${t("snippet.docs")}</a></p>
  `;
}

/** The lines of the client that is chosen. */
function Lines({ clients, values, origins }) {
  const chosen = useSignal(clients[0].name);
  const { name, title, text, page } = clients.find((client) => client.name === chosen.value) ?? clients[0];
  const lines = text(values);
  return html`
    <label class="client">
      ${t("client")}
      <select name="client" onChange=${(event) => (chosen.value = event.currentTarget.value)}>
        ${clients.map((client) => html`<option key=${client.name} value=${client.name} selected=${client.name === name}>${client.title}</option>`)}
      </select>
    </label>
    ${page && origins.length > 0 && html`<p class="hint">${t("client.origins", { origins: origins.join(", ") })}</p>`}
    <div class="snippet" data-snippet=${name}><pre tabindex="0" aria-label=${title}>${lines}</pre><${CopyButton} text=${lines} /></div>
  `;
}

/** What has come since this was opened. */
function Newest({ app }) {
  const since = useMemo(() => new Date(Date.now() - 60_000).toISOString(), [app]);
  const query = { app, from: since, limit: 1 };
  const { value } = useAnswer((signal) => ask("logs", { query, signal }), String(app), 2000);
  const [record] = value?.logs ?? [];
  return html`
    <p class="arrival" role="status">
      ${record
        ? html`<b class="dot on"></b> ${t("arrived")} <${Link} page="" to=${{ app: String(app), record: record.id, range: "24h", from: "", to: "", q: "", level: "" }}>${record.message.slice(0, 100)}<//>`
        : html`<b class="dot"></b> ${t("arrival")}`}
    </p>
  `;
}
