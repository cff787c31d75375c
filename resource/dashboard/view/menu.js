// The pages, who is signed in, and how things look; behind a button where there is little room.
import { html } from "../html.js";
import { page } from "../model/address.js";
import { language, theme } from "../model/preferences.js";
import { account, may, me, signOut } from "../model/session.js";
import { signal } from "../vendor/signals.js";
import { t } from "../text/index.js";
import { Link } from "./link.js";

// The pages in their order, and the role that each needs.
const PAGES = [["", "viewer"], ["apps", "member"], ["accounts", "admin"], ["counters", "viewer"], ["server", "admin"]];
const NEXT_THEME = { auto: "light", light: "dark", dark: "auto" };
const isOpen = signal(false);

export function Menu() {
  const close = () => (isOpen.value = false);
  const onKeyDown = (event) => event.key === "Escape" && (event.stopPropagation(), close());
  const name = page.value ? `page.${page.value}` : "page.logs";
  return html`
    <button type="button" class="menu-button" aria-expanded=${isOpen.value} aria-controls="menu" onClick=${() => (isOpen.value = !isOpen.value)}>${t(name)} ▾</button>
    <div id="menu" class=${`menu ${isOpen.value ? "open" : ""}`} onKeyDown=${onKeyDown}>
      <nav aria-label=${t("pages")} onClick=${close}>
        ${PAGES.filter(([, role]) => may(role)).map(([each]) => html`<${Link} key=${each} page=${each} class="tab">${t(`page.${each || "logs"}`)}<//>`)}
      </nav>
      <div class="switches">
        <${Appearance} />
        <span onClick=${close}><${Link} page="account" class="tab who" title=${t("page.account")}>${account.value?.name ?? me.value?.actor}<//></span>
        <button type="button" class="sign-out" onClick=${signOut}>${t("sign-out")}</button>
      </div>
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
