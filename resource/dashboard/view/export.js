// Saving all that the view shows as a file.
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { cancelExport, exported, exportRecords, exportZone } from "../model/export.js";
import { number, t } from "../text/index.js";
import { useDropdown } from "./dropdown.js";

export function Export() {
  const { host, isOpen, toggle, close, onKeyDown } = useDropdown();
  const complaint = useSignal("");
  const save = async (format) => {
    complaint.value = "";
    try {
      await exportRecords(format);
      close();
    } catch (error) {
      complaint.value = complaintOf(error);
    }
  };
  const isUnderWay = exported.value >= 0;
  return html`
    <div ref=${host} class="dropdown" onKeyDown=${onKeyDown}>
      <button type="button" class="export-toggle" aria-expanded=${isOpen} onClick=${toggle}>${t("export")}${isUnderWay && ` ${megabytes()}`}</button>
      ${isOpen &&
      html`
        <div class="sheet export" role="group" aria-label=${t("export")}>
          <p class="hint">${t("export.what")}</p>
          <button type="button" class="csv" disabled=${isUnderWay} onClick=${() => save("csv")}>CSV <span>${t("export.zone", { zone: exportZone() })}</span></button>
          <button type="button" class="ndjson" disabled=${isUnderWay} onClick=${() => save("ndjson")}>NDJSON <span>${t("export.json")}</span></button>
          <p role="status">${isUnderWay && html`${t("export.so-far", { size: megabytes() })} <button type="button" class="link" onClick=${cancelExport}>${t("searched.stop")}</button>`}</p>
          <p class="complaint" role="alert">${complaint.value}</p>
        </div>
      `}
    </div>
  `;
}

const megabytes = () => `${number(Math.round(exported.value / 1e5) / 10)} MB`;

function complaintOf({ status, code, message }) {
  if (status === undefined) return t("export.cut");
  return status ? t("problem.refused", { detail: message || code }) : t("problem.none");
}
