// Where a field is added to those that are shown: one of the known ones, or attr.<path>.
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { t } from "../text/index.js";

export function AddField({ label, known, taken, isGood, add }) {
  const complaint = useSignal("");
  const names = known().filter((name) => !taken.includes(name));
  const id = `add-${label}`;
  const take = (form) => {
    const input = form.elements.field;
    const name = input.value.trim();
    const good = isGood(name);
    complaint.value = name && !good ? t("field.unknown") : "";
    if (!good) return;
    input.value = "";
    add(name);
  };
  const onSubmit = (event) => (event.preventDefault(), take(event.currentTarget));
  // A choice from the list comes as a whole; what is written ends with Enter.
  const onInput = ({ currentTarget: input, inputType }) => inputType !== "insertText" && names.includes(input.value) && take(input.form);
  return html`
    <form class="add-field" onSubmit=${onSubmit}>
      <input name="field" list=${id} placeholder=${label} aria-label=${label} autocomplete="off" spellcheck="false" autocapitalize="off" onInput=${onInput} />
      <datalist id=${id}>${names.map((name) => html`<option key=${name} value=${name} />`)}</datalist>
      <p class="complaint" role="alert">${complaint.value}</p>
    </form>
  `;
}
