// What is masked before a report touches the disk, and what rules would change, tried on examples.
import { html } from "../html.js";
import { useRef } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { ask } from "../model/api.js";
import { t } from "../text/index.js";
import { Entry, Form, Several, valuesOf } from "./form.js";
import { Table } from "./sheet.js";

const BUILTIN = ["passwords", "bearer", "tokens", "email", "cn_id", "cn_mobile", "cards", "ip"];
const EXAMPLE = [
  { message: "sign-in of ada@example.com, password=hunter2", user_id: "u-1", ip: "203.0.113.7" },
  { message: "支付 4111 1111 1111 1111", phone: "13812345678" },
];

export function Scrubbing({ app, again }) {
  const rules = useSignal(app.scrubbing.rules.map((rule, index) => ({ ...rule, id: index })));
  const host = useRef(null);
  const add = () => (rules.value = [...rules.peek(), { id: Date.now(), fields: [], pattern: "", replacement: "[scrubbed]" }]);
  const remove = (id) => (rules.value = rules.peek().filter((rule) => rule.id !== id));
  const save = async (values) => {
    await ask(`apps/${app.id}`, { method: "PATCH", body: { scrubbing: scrubbingOf(values) } });
    again();
  };
  const written = () => scrubbingOf(valuesOf(host.current.querySelector("form")));
  return html`
    <div ref=${host}>
      <${Form} submit=${save} action=${t("save")} done=${t("saved")}>
        <${Several} name="builtin" label=${t("scrub.builtin")} hint=${t("scrub.hint")} value=${app.scrubbing.builtin} choices=${BUILTIN.map((name) => [name, html`<b>${name}</b> ${t(`scrub.${name}`)}`])} />
        <h2>${t("scrub.own")}</h2>
        <p class="hint">${t("scrub.own.hint")}</p>
        ${rules.value.map((rule, index) => html`<${Rule} key=${rule.id} rule=${rule} number=${index + 1} remove=${() => remove(rule.id)} />`)}
        <p><button type="button" class="action" onClick=${add}>${t("scrub.add")}</button></p>
      <//>
    </div>
    <h2>${t("scrub.try")}</h2>
    <${Trial} app=${app} written=${written} />
  `;
}

function Rule({ rule, number, remove }) {
  const name = (field) => `rules.${rule.id}.${field}`;
  return html`
    <fieldset class="rule">
      <legend>${t("scrub.rule", { number })}</legend>
      <${Entry} name=${name("fields")} label=${t("scrub.fields")} hint=${t("scrub.fields.hint")} kind="lines" value=${rule.fields} placeholder="attributes.user.card" />
      <${Entry} name=${name("pattern")} label=${t("scrub.pattern")} hint=${t("scrub.pattern.hint")} value=${rule.pattern} />
      <${Entry} name=${name("replacement")} label=${t("scrub.replacement")} value=${rule.replacement} maxlength="100" />
      <button type="button" class="action" onClick=${remove}>${t("scrub.remove", { number })}</button>
    </fieldset>
  `;
}

const scrubbingOf = ({ builtin, rules = {} }) => ({ builtin, rules: Object.values(rules) });

/** `written()`: the rules as they are written above, saved or not. */
function Trial({ app, written }) {
  const outcome = useSignal(null);
  const run = async ({ logs }) => {
    outcome.value = null;
    outcome.value = await ask(`apps/${app.id}/scrubbing/try`, { method: "POST", body: { logs: parsed(logs), scrubbing: written() } });
  };
  return html`
    <${Form} submit=${run} action=${t("scrub.run")}>
      <${Entry} name="logs" label=${t("scrub.logs")} hint=${t("scrub.logs.hint")} kind="area" rows="6" value=${JSON.stringify(EXAMPLE, null, 1)} required />
    <//>
    <div role="status">${outcome.value && html`<${Outcome} ...${outcome.value} />`}</div>
  `;
}

/** Raises like a request: what the server can't read is not sent. */
function parsed(text) {
  try {
    return [JSON.parse(text)].flat();
  } catch (error) {
    throw Object.assign(new Error(error.message), { status: 400, field: "logs" });
  }
}

function Outcome({ records, rejected }) {
  const changes = records.flatMap(({ index, changes: found }) => found.map((change) => ({ index, ...change })));
  const rows = changes.map(({ index, path, before, after }) => ({ key: `${index} ${path}`, cells: [String(index + 1), path, shown(before), shown(after)] }));
  const bad = rejected.map(({ index, reason, detail }) => html`<p key=${index} class="complaint">${t("scrub.rejected", { number: index + 1, detail: detail || reason })}</p>`);
  if (!rows.length) return html`${bad}<p class="note">${t("scrub.nothing")}</p>`;
  return html`${bad}<${Table} label=${t("scrub.try")} heads=${["scrub.record", "scrub.path", "scrub.before", "scrub.after"].map((key) => t(key))} rows=${rows} />`;
}

const shown = (value) => (typeof value === "string" ? value : JSON.stringify(value));
