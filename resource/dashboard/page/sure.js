// A button that asks once more before it acts, and a thing that is shown only once.
import { html } from "../html.js";
import { useEffect, useRef } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { t } from "../text/index.js";
import { CopyButton } from "../view/copy-button.js";
import { complaintOf } from "./form.js";

/** `act()` may raise Problem. `label` names the button, `question` what is asked, `children` may add
 * to the question. */
export function Sure({ label, question, act, children }) {
  const isOpen = useSignal(false);
  const complaint = useSignal("");
  const box = useRef(null);
  useEffect(() => void (isOpen.value && box.current.focus()), [isOpen.value]); // a key held down does nothing yet
  const close = () => {
    [isOpen.value, complaint.value] = [false, ""];
    // Where the keyboard was; never on what acts, should it be open again by then.
    setTimeout(() => isOpen.value || box.current?.querySelector("button")?.focus());
  };
  const run = async () => {
    try {
      await act();
      close();
    } catch (problem) {
      if (problem.status === undefined) throw problem;
      complaint.value = complaintOf(problem);
    }
  };
  if (!isOpen.value) return html`<span ref=${box}><button type="button" class="action" onClick=${() => (isOpen.value = true)}>${label}</button></span>`;
  return html`
    <span ref=${box} class="sure" tabindex="-1" role="group" aria-label=${question} onKeyDown=${(event) => event.key === "Escape" && close()}>
      <span>${question}</span>${children}
      <button type="button" class="danger" onClick=${run}>${label}</button>
      <button type="button" class="action" onClick=${close}>${t("keep")}</button>
      <span class="complaint" role="alert">${complaint.value}</span>
    </span>
  `;
}

/** A secret that is nowhere else: to be copied now. */
export function Once({ text, children, close }) {
  const box = useRef(null);
  useEffect(() => box.current.focus(), [text]);
  return html`
    <section ref=${box} class="once" tabindex="-1" aria-label=${t("once")}>
      <p>${children} ${t("once")}</p>
      <p class="secret"><code>${text}</code><${CopyButton} text=${text} /></p>
      <button type="button" class="action" onClick=${close}>${t("once.done")}</button>
    </section>
  `;
}
