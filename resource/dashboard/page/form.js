// Forms: what is entered becomes one value, and what the server finds wrong stands beside its field.
import { createContext } from "../vendor/preact.js";
import { html } from "../html.js";
import { useContext, useId } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { known, t } from "../text/index.js";

const Faults = createContext({});
// What is wrong when no field is named.
const FIELDS = { name_taken: ["name"], account_exists: ["name"], weak_password: ["new_password", "password"], bad_login: ["password", "code"] };
const READ = {
  number: ({ value }) => Number(value),
  flag: ({ checked }) => checked,
  lines: ({ value }) => value.split("\n").map((line) => line.trim()).filter(Boolean),
};

/** `submit(values, form)` may raise Problem; `action` is the button's text, `done` is said when it
 * went well. With `clears` the form is empty then. */
export function Form({ submit, action, done, clears, danger, children }) {
  const fault = useSignal({});
  const said = useSignal("");
  const isBusy = useSignal(false);
  const onSubmit = async (event) => {
    event.preventDefault();
    const form = event.currentTarget;
    if (isBusy.peek()) return;
    [isBusy.value, fault.value, said.value] = [true, {}, ""];
    try {
      said.value = (await submit(valuesOf(form), form)) ?? done ?? "";
      if (clears) form.reset();
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      fault.value = { name: ownerOf(form, problem), text: complaintOf(problem) };
      form.elements[fault.value.name]?.focus?.();
    } finally {
      isBusy.value = false;
    }
  };
  return html`
    <${Faults.Provider} value=${fault.value}>
      <form class="form" onSubmit=${onSubmit}>
        ${children}
        <p class="foot">
          <button type="submit" class=${danger ? "danger" : "main"} aria-busy=${isBusy.value}>${action}</button>
          <span class="complaint" role="alert">${fault.value.name === "" ? fault.value.text : ""}</span>
          <span class="hint" role="status">${said.value}</span>
        </p>
      </form>
    <//>
  `;
}

/** One field with its label, hint and fault. `kind`: text, number, lines, flag, password or, with
 * `choices` ([[value, text]]), one of them. */
export function Entry({ name, label, hint, kind = "text", value, choices, ...rest }) {
  const id = useId();
  const fault = useContext(Faults);
  const wrong = fault.name === name ? fault.text : "";
  const common = { id, name, "data-kind": kind, "aria-invalid": Boolean(wrong), "aria-describedby": `${id}-hint ${id}-fault`, ...rest };
  const numeric = kind === "number" ? { min: 0, step: 1, required: true } : {};
  const type = { number: "number", password: "password", flag: "checkbox" }[kind] ?? "text";
  const input = choices
    ? html`<select ...${common}>${choices.map(([each, text]) => html`<option key=${each} value=${each} selected=${each === value}>${text}</option>`)}</select>`
    : kind === "lines" || kind === "area"
      ? html`<textarea rows="3" spellcheck="false" defaultValue=${kind === "lines" ? (value ?? []).join("\n") : value} ...${common} />`
      : kind === "flag"
        ? html`<input type="checkbox" defaultChecked=${value} ...${common} />`
        : html`<input type=${type} spellcheck="false" autocomplete="off" autocapitalize="off" defaultValue=${value} ...${numeric} ...${common} />`;
  return html`
    <div class=${`entry ${kind}`}>
      <label for=${id}>${label}</label>
      <div>
        ${input}
        <p id=${`${id}-hint`} class="hint">${hint}</p>
        <p id=${`${id}-fault`} class="complaint" role="alert">${wrong}</p>
      </div>
    </div>
  `;
}

/** Whose password it is that a form asks for, for what keeps passwords. */
export function Owner({ name }) {
  return html`<input hidden readonly autocomplete="username" value=${name} />`;
}

/** Several of `choices` ([[value, text]]), as check boxes. */
export function Several({ name, label, hint, value = [], choices }) {
  const fault = useContext(Faults);
  return html`
    <fieldset class="entry">
      <legend>${label}</legend>
      <div>
        ${choices.map(([each, text]) => html`<label key=${each} class="choice"><input type="checkbox" name=${name} data-kind="several" value=${each} defaultChecked=${value.includes(each)} />${text}</label>`)}
        <p class="hint">${hint}</p>
        <p class="complaint" role="alert">${fault.name === name ? fault.text : ""}</p>
      </div>
    </fieldset>
  `;
}

/** What a form holds: an object; names with dots are members of members. */
export function valuesOf(form) {
  const values = {};
  for (const input of form.elements) {
    if (!input.name) continue;
    const [last, ...path] = input.name.split(".").reverse();
    const place = path.reverse().reduce((at, step) => (at[step] ??= {}), values);
    if (input.dataset.kind !== "several") place[last] = (READ[input.dataset.kind] ?? ((each) => each.value))(input);
    else place[last] = [...(place[last] ?? []), ...(input.checked ? [input.value] : [])];
  }
  return values;
}

/** The name of the field that a problem is about; empty: none of this form. */
function ownerOf(form, { field, code }) {
  const meant = field ? [field] : FIELDS[code] ?? [];
  const names = [...form.elements].map(({ name }) => name).filter(Boolean);
  const owns = (name) => meant.some((each) => each === name || each.startsWith(`${name}.`) || each.startsWith(`${name}[`));
  return names.toReversed().find(owns) ?? "";
}

/** What a problem says to who has asked for something. */
export function complaintOf({ status, code, message, retryAfter }) {
  if (status === 0) return t("fault.away");
  return known(`fault.${code}`, { detail: message, seconds: retryAfter }) ?? message ?? code;
}
