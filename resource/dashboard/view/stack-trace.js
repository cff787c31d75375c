// An exception: its type and value, and the frames, those of libraries in the background.
import { html } from "../html.js";
import { stackLines } from "../model/stack.js";
import { t } from "../text/index.js";
import { CopyButton } from "./copy-button.js";

export function StackTrace({ exception }) {
  const { type, value, stacktrace } = exception;
  const lines = stackLines(stacktrace);
  const text = lines.map((line) => line.text).join("\n");
  return html`
    <h3>${t("drawer.exception")} ${text && html`<${CopyButton} text=${text} />`}</h3>
    <p class="exception"><b>${type}</b>${type && value ? ": " : ""}${value}</p>
    ${lines.length > 0 &&
    html`<pre class="stack" tabindex="0" aria-label=${t("drawer.exception")}>${lines.map(
      ({ text: line, isFrame, isForeign }) => html`<span class=${isForeign ? "foreign" : isFrame ? "frame" : "title"}>${line}${"\n"}</span>`,
    )}</pre>`}
  `;
}
