// The ingest keys of an app.
import { html } from "../html.js";
import { useRef } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { ask } from "../model/api.js";
import { t } from "../text/index.js";
import { CopyButton } from "../view/copy-button.js";
import { Answer, useAnswer } from "./answer.js";
import { Entry, Form } from "./form.js";
import { Table, When } from "./sheet.js";
import { Sure } from "./sure.js";

/** `again`: what the app's newest key is may have changed. */
export function Keys({ app, again }) {
  const path = `apps/${app.id}/keys`;
  const answer = useAnswer((signal) => ask(path, { signal }), path);
  const change = async (where, method, body) => {
    await ask(path + where, { method, body });
    answer.again();
    again();
  };
  const add = (values) => change("", "POST", values);
  const heads = ["key.label", "key.key", "created", "used", "ends", "actions"].map((key) => t(key));
  return html`
    <p class="hint">${t("keys.hint")}</p>
    <${Answer} of=${answer}>
      ${({ keys }) => html`
        ${keys.length ? html`<${Table} label=${t("app.part.keys")} heads=${heads} rows=${keys.map((key) => rowOf(key, change))} />` : html`<p class="note">${t("keys.none")}</p>`}
      `}
    <//>
    <h2>${t("key.new")}</h2>
    <${Form} submit=${add} action=${t("key.add")} done=${t("key.added")} clears=${true}><${Entry} name="label" label=${t("key.label")} hint=${t("key.label.hint")} required maxlength="128" /><//>
  `;
}

function rowOf(key, change) {
  const revoke = () => change(`/${key.id}`, "DELETE");
  return {
    key: key.id,
    cells: [
      html`<${Label} value=${key.label} save=${(label) => change(`/${key.id}`, "PATCH", { label })} />`,
      html`<span class="secret"><code>${key.key}</code><${CopyButton} text=${key.key} /></span>`,
      html`<${When} time=${key.created_at} />`,
      html`<${When} time=${key.last_used_at} never=${t("never")} />`,
      html`<${When} time=${key.expires_at} never=${t("endless")} />`,
      html`<span class="acts">
        <${Rotate} rotate=${(hours) => change(`/${key.id}/rotate`, "POST", { overlap_hours: hours })} />
        <${Sure} label=${t("key.revoke")} question=${t("key.revoke.sure", { label: key.label })} act=${revoke} />
      </span>`,
    ],
  };
}

function Label({ value, save }) {
  const isOpen = useSignal(false);
  if (!isOpen.value) return html`<button type="button" class="rename" title=${t("key.rename")} onClick=${() => (isOpen.value = true)}>${value}</button>`;
  const submit = async ({ label }) => {
    await save(label);
    isOpen.value = false;
  };
  return html`<${Form} submit=${submit} action=${t("save")}><${Entry} name="label" label=${t("key.label")} value=${value} required maxlength="128" /><//>`;
}

function Rotate({ rotate }) {
  const hours = useRef(null);
  return html`
    <${Sure} label=${t("key.rotate")} question=${t("key.rotate.sure")} act=${() => rotate(Number(hours.current.value))}>
      <label>${t("key.overlap")} <input ref=${hours} type="number" min="0" max="8760" defaultValue="24" /></label>
    <//>
  `;
}
