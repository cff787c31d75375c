// The files that came with a record, to be saved.
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { open } from "../model/api.js";
import { save } from "../model/export.js";
import { number, t } from "../text/index.js";

export function Attachments({ record }) {
  const problem = useSignal("");
  const files = record.attributes?.attachments;
  if (!Array.isArray(files) || !files.some((file) => file?.id)) return null;
  const fetchFile = async (file, place) => {
    problem.value = "";
    try {
      const reply = await open(`logs/${encodeURIComponent(record.id)}/attachments/${place}`);
      save(await reply.blob(), String(file.filename ?? "attachment"));
    } catch (error) {
      problem.value = error.status === 404 ? t("attachment.gone") : error.message || t("attachment.failed");
    }
  };
  return html`
    <h3>${t("drawer.attachments")}</h3>
    <ul class="attachments">
      ${files.map((file, place) => file?.id && html`<li key=${place}><button type="button" onClick=${() => fetchFile(file, place)}>${String(file.filename ?? "attachment")}</button> ${Number.isFinite(file.bytes) && t("attachment.bytes", { bytes: number(file.bytes) })}</li>`)}
    </ul>
    ${problem.value && html`<p class="note" role="alert">${problem.value}</p>`}
  `;
}
