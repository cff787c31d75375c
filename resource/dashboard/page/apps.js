// Apps: all that one looks after; and one of them, part by part.
import { html } from "../html.js";
import { go, toPage, view } from "../model/address.js";
import { ask } from "../model/api.js";
import { apps, loadApps, may } from "../model/session.js";
import { number, t } from "../text/index.js";
import { CopyButton } from "../view/copy-button.js";
import { Link } from "../view/link.js";
import { Answer, useAnswer } from "./answer.js";
import { Keys } from "./app-keys.js";
import { Report } from "./app-report.js";
import { Scrubbing } from "./app-scrubbing.js";
import { Settings } from "./app-settings.js";
import { Entry, Form } from "./form.js";
import { partOf, Sheet, Table, When } from "./sheet.js";

const PARTS = { "": Report, keys: Keys, settings: Settings, scrubbing: Scrubbing };

export default function Apps() {
  if (!may("member")) return html`<${Sheet} title=${t("page.apps")}><p class="note">${t("members-only")}</p><//>`;
  return view.value.id ? html`<${App} key=${view.value.id} id=${view.value.id} />` : html`<${All} />`;
}

function All() {
  const answer = useAnswer((signal) => ask("apps", { signal }));
  return html`<${Sheet} title=${t("page.apps")}><${Answer} of=${answer}>${({ apps: found }) => html`<${List} found=${found} />`}<//><//>`;
}

function List({ found }) {
  const create = async (values) => {
    const made = await ask("apps", { method: "POST", body: values });
    await loadApps();
    go(toPage("apps", { id: String(made.id) }));
  };
  const heads = ["app.name", "app.number", "app.key", "app.retention", "app.level", "created"].map((key) => t(key));
  const rows = found.map((app) => ({
    key: app.id,
    cells: [
      html`<${Link} page="apps" to=${{ id: String(app.id) }}>${app.name}<//>`,
      String(app.id),
      app.ingest_key ? html`<span class="secret"><code>${app.ingest_key}</code><${CopyButton} text=${app.ingest_key} /></span>` : t("app.no-key"),
      app.retention_days ? t("days", { days: number(app.retention_days) }) : t("app.retention.server"),
      app.min_level || t("app.level.all"),
      html`<${When} time=${app.created_at} />`,
    ],
  }));
  return html`
    ${found.length ? html`<${Table} label=${t("page.apps")} heads=${heads} rows=${rows} />` : html`<p class="note">${t("app.none")}</p>`}
    ${may("admin") &&
    html`
      <h2>${t("app.new")}</h2>
      <${Form} submit=${create} action=${t("app.create")}><${Entry} name="name" label=${t("app.name")} hint=${t("app.new.hint")} required maxlength="128" /><//>
    `}
  `;
}

function App({ id }) {
  const answer = useAnswer((signal) => ask(`apps/${encodeURIComponent(id)}`, { signal }), id);
  const parts = Object.keys(PARTS).map((part) => [part, t(`app.part.${part || "report"}`)]);
  const Part = partOf(PARTS);
  const title = answer.value?.name ?? apps.value.find((app) => String(app.id) === id)?.name ?? "…";
  const above = html`<${Link} page="apps">← ${t("app.all-of-them")}<//><${Link} page="" to=${{ app: id }}>${t("app.logs")}<//><${Link} page="counters" to=${{ app: id }}>${t("app.counters")}<//>`;
  return html`
    <${Sheet} title=${title} above=${above} parts=${parts}>
      <${Answer} of=${answer}>${(app) => html`<${Part} app=${app} again=${answer.again} />`}<//>
    <//>
  `;
}
