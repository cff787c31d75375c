// The time range: one that ends now, or two times.
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { go, RANGES, view } from "../model/address.js";
import { counts } from "../model/counts.js";
import { fromInput, toInput } from "../model/time.js";
import { t } from "../text/index.js";
import { useDropdown } from "./dropdown.js";

export function RangePicker() {
  const { host, isOpen, toggle, close, onKeyDown } = useDropdown();
  const { range } = view.value;
  const choose = (name) => {
    if (isOpen) toggle();
    go({ range: name, from: "", to: "", record: "" });
  };
  return html`
    <div ref=${host} class="ranges" role="group" onKeyDown=${onKeyDown} aria-label=${t("range")}>
      ${RANGES.map(
        (name) => html`<button type="button" key=${name} aria-pressed=${range === name} onClick=${() => choose(name)}>${t(`range.${name}`)}</button>`,
      )}
      <button type="button" class="custom" aria-pressed=${range === "custom"} aria-expanded=${isOpen} onClick=${toggle}>${t("range.custom")}</button>
      ${isOpen && html`<${TwoTimes} close=${close} />`}
    </div>
  `;
}

function TwoTimes({ close }) {
  const complaint = useSignal("");
  const [from, to] = bounds();
  const apply = (event) => {
    event.preventDefault();
    const [start, end] = ["from", "to"].map((name) => fromInput(event.currentTarget.elements[name].value));
    if (!start || !end || start >= end) return void (complaint.value = t("range.bad"));
    close();
    go({ range: "custom", from: start, to: end, record: "" });
  };
  return html`
    <form class="sheet times" onSubmit=${apply}>
      <label>${t("range.from")}<input type="datetime-local" name="from" step="1" required value=${toInput(from)} /></label>
      <label>${t("range.to")}<input type="datetime-local" name="to" step="1" required value=${toInput(to)} /></label>
      <p class="complaint" role="alert">${complaint.value}</p>
      <button type="submit" class="main">${t("range.apply")}</button>
    </form>
  `;
}

/** The range that is shown, in ms; an address may hold times of other forms, which the server reads. */
function bounds() {
  const { from, to } = view.value;
  const shown = counts.value;
  const end = Date.parse(to) || (shown ? shown.to * 1000 : Date.now());
  const start = Date.parse(from) || (shown ? shown.from * 1000 : end - 3_600_000);
  return [start, end];
}
