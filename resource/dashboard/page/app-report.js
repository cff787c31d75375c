// How an app reports its first record, and whether one has come.
import { html } from "../html.js";
import { useMemo } from "../vendor/preact-hooks.js";
import { apiBase } from "../model/address.js";
import { ask } from "../model/api.js";
import { language } from "../model/preferences.js";
import { t } from "../text/index.js";
import { CopyButton } from "../view/copy-button.js";
import { Link } from "../view/link.js";
import { useAnswer } from "./answer.js";
import { curl, javascript, python } from "./snippets.js";

export function Report({ app }) {
  if (!app.ingest_key) return html`<p class="note">${t("app.no-key.report")}</p>`;
  const { ingest_key: key, require_signature: isSigned, allowed_origins: origins, allowed_packages: packages } = app;
  const from = packages.length ? ["X-Redlog-Package", packages[0]] : origins.length ? ["Origin", origins[0].replace("*", "www")] : undefined;
  const values = { server: apiBase || location.origin, key, secret: isSigned && app.secret, from };
  return html`
    <${Newest} app=${app.id} />
    <${Snippet} name="curl" title="curl" text=${curl(values)} />
    ${isSigned
      ? html`<h2>${t("snippet.javascript")}</h2><p class="hint">${t("snippet.javascript.signed")}</p>`
      : html`<${Snippet} name="javascript" title=${t("snippet.javascript")} hint=${origins.length > 0 && t("snippet.javascript.origins", { origins: origins.join(", ") })} text=${javascript(values)} />`}
    <${Snippet} name="python" title="Python" text=${python(values)} />
    <p class="hint">${t("snippet.more")} <a href=${`${apiBase}/api/docs?lang=${language.value}`} target="_blank" rel="noreferrer">${t("snippet.docs")}</a></p>
  `;
}

function Snippet({ name, title, hint, text }) {
  return html`
    <h2>${title}</h2>
    ${hint && html`<p class="hint">${hint}</p>`}
    <div class="snippet" data-snippet=${name}><pre tabindex="0" aria-label=${title}>${text}</pre><${CopyButton} text=${text} /></div>
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
