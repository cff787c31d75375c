// A field and its value; a click on the value offers what can be done with it.
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { go, view } from "../model/address.js";
import { canShow, columns, toggleColumn } from "../model/columns.js";
import { canAsk, term, withTerm } from "../model/query.js";
import { t } from "../text/index.js";
import { CopyButton } from "./copy-button.js";

export function Field({ name, label, value, shown }) {
  const isOpen = useSignal(false);
  const isEmpty = shown === "" || shown === undefined;
  return html`
    <div class="field" data-field=${name}>
      <dt>${label}</dt>
      <dd>
        <button type="button" class="value" aria-expanded=${isOpen.value} title=${t("field.open", { field: name })} onClick=${() => (isOpen.value = !isOpen.value)}>${isEmpty ? "∅" : shown}</button>
        ${isOpen.value && html`<${Actions} name=${name} value=${value} />`}
      </dd>
    </div>
  `;
}

function Actions({ name, value }) {
  const text = value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);
  const filter = (isExcluded) => go({ q: withTerm(view.peek().q, term(name, text), isExcluded) });
  const askable = value !== null && typeof value !== "object" && canAsk(name, value);
  return html`
    <span class="actions">
      ${name === "app" && html`<button type="button" onClick=${() => go({ app: text })}>${t("field.for")}</button>`}
      ${askable &&
      html`
        <button type="button" class="for" onClick=${() => filter(false)}>${t("field.for")}</button>
        <button type="button" class="out" onClick=${() => filter(true)}>${t("field.out")}</button>
      `}
      <${CopyButton} text=${text} />
      ${canShow(name) && html`<button type="button" class="as-column" aria-pressed=${columns.value.includes(name)} onClick=${() => toggleColumn(name)}>${t("field.column")}</button>`}
    </span>
  `;
}
