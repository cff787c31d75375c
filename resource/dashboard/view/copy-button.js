// A button that copies a text and says that it did.
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { t } from "../text/index.js";

export function CopyButton({ text, label }) {
  const said = useSignal("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "function" ? text() : text);
      said.value = "copied";
    } catch {
      said.value = "copy.failed"; // browsers allow it behind TLS and on this machine only
    }
    setTimeout(() => (said.value = ""), 1500);
  };
  return html`<button type="button" onClick=${copy}><span aria-live="polite">${said.value ? t(said.value) : label ?? t("copy")}</span></button>`;
}
