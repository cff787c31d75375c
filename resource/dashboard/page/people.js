// The accounts of people: all of them, and one.
import { html } from "../html.js";
import { useRef } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { go, toPage } from "../model/address.js";
import { ask } from "../model/api.js";
import { apps } from "../model/session.js";
import { t } from "../text/index.js";
import { Link } from "../view/link.js";
import { Answer, useAnswer } from "./answer.js";
import { Entry, Form, Several } from "./form.js";
import { appNames, Sheet, Table, When } from "./sheet.js";
import { Once, Sure } from "./sure.js";

const ROLES = ["viewer", "member", "admin"];

export function People() {
  const answer = useAnswer((signal) => ask("accounts", { signal }));
  const made = useSignal(null);
  const create = async ({ password, ...rest }) => {
    made.value = null;
    const account = await ask("accounts", { method: "POST", body: { ...rightsOf(rest), ...(password && { password }) } });
    if (account.password) made.value = account;
    answer.again();
  };
  const heads = ["account.name", "account.role", "account.apps", "account.state", "account.login"].map((key) => t(key));
  return html`
    ${made.value && html`<${Once} text=${made.value.password} close=${() => (made.value = null)}>${t("account.password.made", { name: made.value.name })}<//>`}
    <${Answer} of=${answer}>${({ accounts }) => html`<${Table} label=${t("page.accounts")} heads=${heads} rows=${accounts.map(rowOf)} />`}<//>
    <h2>${t("account.new")}</h2>
    <${Form} submit=${create} action=${t("account.create")} done=${t("account.created")} clears=${true}>
      <${Entry} name="name" label=${t("account.name")} required maxlength="64" />
      <${Rights} role="viewer" apps=${[]} />
      <${Entry} name="password" label=${t("sign-in.password")} hint=${t("account.password.hint")} kind="password" autocomplete="new-password" />
    <//>
  `;
}

function rowOf(account) {
  const marks = ["disabled", "must_change", "totp_enabled"].filter((mark) => account[mark]);
  return {
    key: account.id,
    cells: [
      html`<${Link} page="accounts" to=${{ id: String(account.id) }}>${account.name}<//>`,
      t(`role.${account.role}`),
      appNames(account.role === "admin" ? null : account.apps, apps.value),
      marks.map((mark) => t(`account.${mark}`)).join(", ") || t("account.good"),
      html`<${When} time=${account.last_login_at} never=${t("never")} />`,
    ],
  };
}

/** The fields of what somebody may do; `rightsOf` what they hold. */
export function Rights({ role, apps: chosen }) {
  return html`
    <${Entry} name="role" label=${t("account.role")} value=${role} choices=${ROLES.map((each) => [each, `${t(`role.${each}`)}: ${t(`role.${each}.hint`)}`])} />
    <${Several} name="apps" label=${t("account.apps")} hint=${t("account.apps.hint")} value=${chosen.map(String)} choices=${apps.value.map(({ id, name }) => [String(id), name])} />
  `;
}

export const rightsOf = ({ apps: ids = [], ...rest }) => ({ ...rest, apps: ids.map(Number) });

export function Person({ id }) {
  const path = `accounts/${encodeURIComponent(id)}`;
  const answer = useAnswer((signal) => ask(path, { signal }), id);
  return html`
    <${Sheet} title=${answer.value?.name ?? "…"} above=${html`<${Link} page="accounts">← ${t("accounts.all")}<//>`}>
      <${Answer} of=${answer}>${(account) => html`<${Details} account=${account} path=${path} again=${answer.again} />`}<//>
    <//>
  `;
}

function Details({ account, path, again }) {
  const made = useSignal("");
  const dropTotp = useRef(null);
  const save = async (values) => {
    await ask(path, { method: "PATCH", body: rightsOf(values) });
    again();
  };
  const reset = async () => {
    made.value = (await ask(`${path}/reset`, { method: "POST", body: { totp: dropTotp.current?.checked ?? false } })).password;
    again();
  };
  const remove = async () => {
    await ask(path, { method: "DELETE" });
    go(toPage("accounts"));
  };
  return html`
    <${Form} submit=${save} action=${t("save")} done=${t("saved")}>
      <${Rights} role=${account.role} apps=${account.apps} />
      <${Entry} name="disabled" label=${t("account.disabled")} hint=${t("account.disabled.hint")} kind="flag" value=${account.disabled} />
    <//>
    <h2>${t("account.reset")}</h2>
    <p class="hint">${t("account.reset.hint")}</p>
    ${made.value && html`<${Once} text=${made.value} close=${() => (made.value = "")}>${t("account.password.made", { name: account.name })}<//>`}
    <p>
      <${Sure} label=${t("account.reset.do")} question=${t("account.reset.sure", { name: account.name })} act=${reset}>
        ${account.totp_enabled && html`<label class="choice"><input ref=${dropTotp} type="checkbox" />${t("account.reset.totp")}</label>`}
      <//>
    </p>
    <h2>${t("account.delete")}</h2>
    <p><${Sure} label=${t("account.delete")} question=${t("account.delete.sure", { name: account.name })} act=${remove} /></p>
  `;
}
