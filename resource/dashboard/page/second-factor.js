// A second factor of one's own account: offered, begun by a code, ended by the password.
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { ask } from "../model/api.js";
import { account } from "../model/session.js";
import { t } from "../text/index.js";
import { CopyButton } from "../view/copy-button.js";
import { Entry, Form, Owner } from "./form.js";

export function SecondFactor() {
  const offer = useSignal(null);
  const isOn = account.value.totp_enabled;
  const note = (totp_enabled) => (account.value = { ...account.peek(), totp_enabled });
  const request = async (body) => void (offer.value = await ask("me/totp", { method: "POST", body }));
  const begin = async (body) => {
    await ask("me/totp", { method: "POST", body });
    offer.value = null;
    note(true);
  };
  const end = async (body) => {
    await ask("me/totp", { method: "DELETE", body });
    note(false);
  };
  const proof = html`<${Owner} name=${account.value.name} /><${Entry} name="password" label=${t("sign-in.password")} kind="password" autocomplete="current-password" required />`;
  return html`
    <h2>${t("totp")}</h2>
    <p class="hint" role="status">${t(isOn ? "totp.on" : "totp.off")}</p>
    ${isOn
      ? html`<${Form} key="end" submit=${end} action=${t("totp.end")} danger=${true}>${proof}<//>`
      : offer.value
        ? html`<${Offer} ...${offer.value} begin=${begin} />`
        : html`<${Form} key="offer" submit=${request} action=${t("totp.begin")}>${proof}<//>`}
  `;
}

function Offer({ secret, uri, qr, begin }) {
  return html`
    <p>${t("totp.offer")}</p>
    <${Code} rows=${qr} />
    <p class="secret"><code>${secret}</code><${CopyButton} text=${secret} /></p>
    <p class="secret"><code>${uri}</code><${CopyButton} text=${uri} /></p>
    <${Form} key="begin" submit=${begin} action=${t("totp.confirm")}><${Entry} name="code" label=${t("sign-in.code")} autocomplete="one-time-code" inputmode="numeric" required /><//>
  `;
}

function Code({ rows }) {
  const dark = rows.flatMap((row, y) => [...row].map((cell, x) => (cell === "1" ? `M${x} ${y}h1v1h-1z` : "")));
  return html`<svg class="code" viewBox=${`0 0 ${rows.length} ${rows.length}`} role="img" aria-label=${t("totp.code")}><path d=${dark.join("")} /></svg>`;
}
