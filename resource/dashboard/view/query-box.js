// Where the query is written: completed while writing, its fault underlined where it is.
import { html } from "../html.js";
import { useRef } from "../vendor/preact-hooks.js";
import { useSignal, useSignalEffect } from "../vendor/signals.js";
import { go, view } from "../model/address.js";
import { completions } from "../model/query.js";
import { isLoading, problem, search } from "../model/records.js";
import { list } from "../model/rows.js";
import { t } from "../text/index.js";

const NONE = { start: 0, options: [] };

export function QueryBox() {
  const input = useRef(null);
  const text = useSignal(view.value.q);
  const offered = useSignal(NONE);
  const active = useSignal(-1);
  const shift = useSignal(0);
  useSignalEffect(() => {
    text.value = view.value.q; // a filter from the drawer, or the browser's back button
  });

  const hide = () => {
    offered.value = NONE;
    active.value = -1;
  };
  const run = () => {
    hide();
    const q = text.peek().trim();
    if (q === view.peek().q) search();
    else go({ q, record: "" });
  };
  const offer = () => {
    const { value, selectionStart } = input.current;
    text.value = value;
    offered.value = completions(value.slice(0, selectionStart), list.rows);
    active.value = -1;
  };
  const take = (option) => {
    const caret = input.current.selectionStart;
    const before = text.peek().slice(0, offered.peek().start) + option + (option.endsWith(":") ? "" : " ");
    text.value = before + text.peek().slice(caret).trimStart();
    input.current.value = text.peek();
    input.current.setSelectionRange(before.length, before.length);
    input.current.focus();
    offer();
  };
  const onKeyDown = (event) => {
    const { options } = offered.peek();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.isComposing) return;
    if (step && options.length) active.value = (active.peek() + step + options.length + (active.peek() < 0 && step < 0)) % options.length;
    else if (event.key === "Tab" && options.length && !event.shiftKey) take(options[Math.max(0, active.peek())]);
    else if (event.key === "Enter" && active.peek() >= 0) take(options[active.peek()]);
    else if (event.key === "Enter") run();
    else if (event.key === "Escape") options.length ? hide() : input.current.blur();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const fault = faultOf(text.value);
  const { options } = offered.value;
  return html`
    <form class="query" role="search" onSubmit=${(event) => (event.preventDefault(), run())}>
      <div class=${`query-field ${fault ? "faulty" : ""}`}>
        <${Mirror} text=${text.value} fault=${fault} shift=${shift.value} />
        <input
          ref=${input} class="query-input" type="text" role="combobox" spellcheck="false" autocomplete="off" autocapitalize="off"
          aria-label=${t("query")} aria-autocomplete="list" aria-expanded=${options.length > 0} aria-controls="query-options"
          aria-activedescendant=${active.value < 0 ? undefined : `query-option-${active.value}`}
          aria-invalid=${Boolean(fault)} aria-describedby="query-fault" placeholder=${t("query.hint")}
          value=${text.value} onInput=${offer} onKeyDown=${onKeyDown} onBlur=${hide}
          onScroll=${(event) => (shift.value = event.currentTarget.scrollLeft)}
        />
        <${Options} options=${options} active=${active.value} take=${take} />
      </div>
      ${text.value && html`<button type="button" class="clear" aria-label=${t("query.clear")} onClick=${() => go({ q: "", record: "" })}>×</button>`}
      <button type="submit" class="main" aria-busy=${isLoading.value}>${t("query.run")}</button>
      <p id="query-fault" class="complaint" role="alert">${fault && t("problem.query", { position: fault.position + 1, detail: fault.detail })}</p>
    </form>
  `;
}

/** Where the query is wrong, as long as it is the one that was asked. */
function faultOf(text) {
  const { code, position, message } = problem.value ?? {};
  return code === "bad_query" && text.trim() === view.value.q ? { position, detail: message } : null;
}

/** The text once more behind the input, to underline the fault. Positions count characters as the
 * server does, so an emoji is one. */
function Mirror({ text, fault, shift }) {
  if (!fault) return null;
  const characters = [...text];
  const lastWord = [...text.trimEnd().replace(/\S+$/, "")].length; // where something is missing
  const at = fault.position < [...text.trimEnd()].length - 1 ? fault.position : lastWord;
  const wrong = characters.slice(at).join("").match(/^\s*\(*[^\s()]*|^./)[0] || " ";
  return html`
    <div class="query-mirror" aria-hidden="true"><span style=${{ marginLeft: `${-shift}px` }}>${characters.slice(0, at).join("")}<mark>${wrong}</mark></span></div>
  `;
}

function Options({ options, active, take }) {
  const choose = (event, option) => {
    event.preventDefault(); // the input keeps the focus
    take(option);
  };
  return html`
    <ul id="query-options" class="options" role="listbox" aria-label=${t("query.options")} hidden=${!options.length}>
      ${options.map(
        (option, index) => html`
          <li id=${`query-option-${index}`} key=${option} role="option" aria-selected=${index === active} onMouseDown=${(event) => choose(event, option)}>${option}</li>
        `,
      )}
    </ul>
  `;
}
