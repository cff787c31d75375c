// App, time range, and how things are shown.
import { html } from "../html.js";
import { endsNow, go, view } from "../model/address.js";
import { language, theme } from "../model/preferences.js";
import { isLive } from "../model/records.js";
import { apps, signOut } from "../model/session.js";
import { t } from "../text/index.js";
import { togglePause } from "./keys.js";
import { isHelpOpen } from "./panel.js";
import { RangePicker } from "./range-picker.js";

const NEXT_THEME = { auto: "light", light: "dark", dark: "auto" };

export function TopBar() {
  return html`
    <header class="bar">
      <p class="mark">RedLog</p>
      <${AppPicker} />
      <${RangePicker} />
      ${endsNow.value && html`<${LiveSwitch} />`}
      <${Switches} />
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

function LiveSwitch() {
  const state = isLive.value ? "on" : "off";
  return html`
    <button type="button" class=${`live ${state}`} aria-pressed=${isLive.value} title=${t("live.hint")} onClick=${togglePause}>
      <span class="dot" aria-hidden="true"></span>${t(`live.${state}`)}
    </button>
  `;
}

function Switches() {
  const { zone } = view.value;
  return html`
    <div class="switches">
      <button type="button" title=${t("zone.hint")} onClick=${() => go({ zone: zone === "utc" ? "local" : "utc" }, true)}>${t(`zone.${zone}`)}</button>
      <${Appearance} />
      <button type="button" aria-expanded=${isHelpOpen.value} onClick=${() => (isHelpOpen.value = !isHelpOpen.value)}>${t("help")}</button>
      <button type="button" class="sign-out" onClick=${signOut}>${t("sign-out")}</button>
    </div>
  `;
}

/** Language and colours: also where nobody is signed in. */
export function Appearance() {
  const other = language.value === "zh" ? "en" : "zh";
  return html`
    <button type="button" class="language" lang=${other} title=${t("language.hint")} onClick=${() => (language.value = other)}>${t("language.other")}</button>
    <button type="button" title=${t("theme.hint")} onClick=${() => (theme.value = NEXT_THEME[theme.value])}>${t(`theme.${theme.value}`)}</button>
  `;
}
