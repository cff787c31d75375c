// Where one is and who one is; for the records their app and time range, and how things are shown.
import { html } from "../html.js";
import { go, page, view } from "../model/address.js";
import { apps } from "../model/session.js";
import { t } from "../text/index.js";
import { LiveSwitch } from "./live-switch.js";
import { Menu } from "./menu.js";
import { isHelpOpen } from "./panel.js";
import { RangePicker } from "./range-picker.js";

export function TopBar() {
  return html`
    <header class="bar">
      <div class="top"><p class="mark">RedLog</p><${Menu} /></div>
      ${!page.value &&
      html`
        <div class="view">
          <${AppPicker} />
          <${RangePicker} />
          <${LiveSwitch} />
          <${Switches} />
        </div>
      `}
    </header>
  `;
}

function AppPicker() {
  const choose = (event) => go({ app: event.currentTarget.value, record: "" });
  return html`
    <select class="apps" aria-label=${t("app")} value=${view.value.app} onChange=${choose}>
      <option value="">${t("app.all")}</option>
      ${apps.value.map(({ id, name }) => html`<option key=${id} value=${String(id)}>${name}</option>`)}
    </select>
  `;
}

function Switches() {
  const { zone } = view.value;
  return html`
    <div class="switches">
      <button type="button" title=${t("zone.hint")} onClick=${() => go({ zone: zone === "utc" ? "local" : "utc" }, true)}>${t(`zone.${zone}`)}</button>
      <button type="button" aria-expanded=${isHelpOpen.value} onClick=${() => (isHelpOpen.value = !isHelpOpen.value)}>${t("help")}</button>
    </div>
  `;
}
