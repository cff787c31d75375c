// A record with every field, each a filter.
import { html } from "../html.js";
import { flattened } from "../model/query.js";
import { wholeTime } from "../model/time.js";
import { t } from "../text/index.js";
import { Attachments } from "./attachments.js";
import { Field } from "./field.js";
import { StackTrace } from "./stack-trace.js";
import { shown } from "./value.js";

const APART = ["message", "exception", "attributes", "id", "level", "severity"];

export function RecordFields({ record }) {
  const { level, time, message, exception, attributes } = record;
  const plain = Object.entries(record).filter(([name]) => !APART.includes(name));
  return html`
    <p class=${`stamp ${level}`}><b>${level}</b> <time datetime=${time}>${wholeTime(time)}</time></p>
    <p class="whole-message">${message}</p>
    ${exception && html`<${StackTrace} exception=${exception} />`}
    <${Attachments} record=${record} />
    ${attributes && html`<h3>${t("drawer.attributes")}</h3><${Fields} pairs=${flattened(attributes)} prefix="attr." />`}
    <h3>${t("drawer.fields")}</h3>
    <${Fields} pairs=${[["level", level], ...plain, ["message", message], ["id", record.id]]} prefix="" />
  `;
}

function Fields({ pairs, prefix }) {
  return html`
    <dl class="fields">
      ${pairs.map(([name, value]) => html`<${Field} key=${name} name=${prefix + name} label=${name} value=${value} shown=${shown(prefix + name, value)} />`)}
    </dl>
  `;
}
