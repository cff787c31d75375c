// What an app wants of its reports; its secret; its end.
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { go, toPage } from "../model/address.js";
import { ask } from "../model/api.js";
import { LEVELS } from "../model/counts.js";
import { loadApps, may } from "../model/session.js";
import { known, t } from "../text/index.js";
import { CopyButton } from "../view/copy-button.js";
import { Entry, Form } from "./form.js";

const LIMITS = ["requests_per_minute", "records_per_minute", "key_requests_per_minute", "address_requests_per_minute", "device_records_per_minute"];

export function Settings({ app, again }) {
  const save = async (values) => {
    const changed = Object.entries(values).filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(app[name]));
    if (!changed.length) return t("unchanged");
    await ask(`apps/${app.id}`, { method: "PATCH", body: Object.fromEntries(changed) });
    await loadApps();
    again();
  };
  const entry = (name, kind, more) => html`<${Entry} name=${name} label=${t(`setting.${name}`)} hint=${known(`setting.${name}.hint`)} kind=${kind} value=${app[name]} ...${more} />`;
  return html`
    <${Form} submit=${save} action=${t("save")} done=${t("saved")}>
      <h2>${t("settings.kept")}</h2>
      ${entry("name", "text", { required: true, maxlength: 128 })}
      ${entry("min_level", "text", { choices: ["", ...LEVELS].map((level) => [level, level || t("app.level.all")]) })}
      ${entry("retention_days", "number")}
      ${entry("attachments", "flag")}
      <h2>${t("settings.trusted")}</h2>
      ${entry("allowed_origins", "lines", { placeholder: "https://shop.example.com" })}
      ${entry("allowed_packages", "lines", { placeholder: "com.example.shop" })}
      ${entry("untrusted", "text", { choices: ["refuse", "mark"].map((each) => [each, t(`setting.untrusted.${each}`)]) })}
      ${entry("require_signature", "flag")}
      <${Secret} app=${app} />
      <h2>${t("settings.limits")}</h2>
      <p class="hint">${t("settings.limits.hint")}</p>
      ${entry("daily_quota", "number")}
      ${LIMITS.map((name) => html`<${Entry} key=${name} name=${`limits.${name}`} label=${t(`setting.${name}`)} kind="number" value=${app.limits[name]} />`)}
    <//>
    <${Logan} app=${app} again=${again} />
    ${may("admin") && html`<${Delete} app=${app} />`}
  `;
}

function Secret({ app }) {
  const isShown = useSignal(false);
  return html`
    <div class="entry">
      <span>${t("secret")}</span>
      <div>
        ${isShown.value
          ? html`<p class="secret"><code>${app.secret}</code><${CopyButton} text=${app.secret} /></p>`
          : html`<button type="button" class="action" onClick=${() => (isShown.value = true)}>${t("secret.show")}</button>`}
        <p class="hint">${t("secret.hint")}</p>
      </div>
    </div>
  `;
}

/** What is never shown again: a field that is left empty stays as it is. */
function Logan({ app, again }) {
  const save = async (values) => {
    const given = Object.entries(values).filter(([, value]) => value);
    if (!given.length) return t("unchanged");
    await ask(`apps/${app.id}`, { method: "PATCH", body: Object.fromEntries(given) });
    again();
  };
  const entry = (name, kind) => html`<${Entry} name=${name} label=${t(`setting.${name}`)} hint=${app[name] && t("logan.set")} kind=${kind} />`;
  return html`
    <h2>Logan</h2>
    <p class="hint">${t("logan.hint")}</p>
    <${Form} submit=${save} action=${t("save")} done=${t("saved")} clears=${true}>
      ${entry("logan_key")}
      ${entry("logan_iv")}
      ${entry("logan_private_key", "area")}
    <//>
  `;
}

function Delete({ app }) {
  const remove = async (values) => {
    await ask(`apps/${app.id}`, { method: "DELETE", body: values });
    await loadApps();
    go(toPage("apps"));
  };
  return html`
    <h2>${t("app.delete")}</h2>
    <p class="hint">${t("app.delete.hint")}</p>
    <${Form} submit=${remove} action=${t("app.delete")} danger=${true}><${Entry} name="name" label=${t("app.delete.name", { name: app.name })} required /><//>
  `;
}
