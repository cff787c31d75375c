// Tokens of machines: all of them for admins, one's own for everybody.
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { ask } from "../model/api.js";
import { account, apps, may } from "../model/session.js";
import { t } from "../text/index.js";
import { Answer, useAnswer } from "./answer.js";
import { Entry, Form, Several } from "./form.js";
import { appNames, Table, When } from "./sheet.js";
import { Once, Sure } from "./sure.js";

/** `own`: those of who looks. */
export function Tokens({ own }) {
  const answer = useAnswer((signal) => load(own, signal), String(own));
  const made = useSignal(null);
  const create = async ({ apps: ids = [], ...rest }) => {
    made.value = null;
    made.value = await ask("tokens", { method: "POST", body: { ...rest, apps: ids.length ? ids.map(Number) : null } });
    answer.again();
  };
  const heads = ["token.name", "token.scope", "account.apps", ...(own ? [] : ["made-by"]), "created", "used", "ends", "actions"].map((key) => t(key));
  const scopes = may("member") ? ["read", "admin"] : ["read"];
  return html`
    <p class="hint">${t("tokens.hint")}</p>
    ${made.value && html`<${Once} text=${made.value.token} close=${() => (made.value = null)}>${t("token.made", { name: made.value.name })}<//>`}
    <${Answer} of=${answer}>
      ${({ tokens, names }) => (tokens.length ? html`<${Table} label=${t("accounts.part.tokens")} heads=${heads} rows=${tokens.map((token) => rowOf(token, names, answer.again))} />` : html`<p class="note">${t("tokens.none")}</p>`)}
    <//>
    <h2>${t("token.new")}</h2>
    <${Form} submit=${create} action=${t("token.create")} clears=${true}>
      <${Entry} name="name" label=${t("token.name")} hint=${t("token.name.hint")} required maxlength="128" />
      <${Entry} name="scope" label=${t("token.scope")} value="read" choices=${scopes.map((scope) => [scope, t(`scope.${scope}`)])} />
      <${Several} name="apps" label=${t("account.apps")} hint=${t("token.apps.hint")} choices=${apps.value.map(({ id, name }) => [String(id), name])} />
      <${Entry} name="days" label=${t("token.days")} kind="number" value="90" min="1" max="3650" />
    <//>
  `;
}

/** The tokens, and for admins the names of the accounts that made them. */
async function load(own, signal) {
  const [{ tokens }, accounts] = await Promise.all([ask("tokens", { signal }), own ? null : ask("accounts", { signal })]);
  const names = accounts && Object.fromEntries(accounts.accounts.map(({ id, name }) => [id, name]));
  return { tokens: own ? tokens.filter((token) => token.account_id === account.peek().id) : tokens, names };
}

function rowOf(token, names, again) {
  const revoke = async () => {
    await ask(`tokens/${token.id}`, { method: "DELETE" });
    again();
  };
  const maker = names && (token.account_id === null ? t("operator") : names[token.account_id] ?? `#${token.account_id}`);
  return {
    key: token.id,
    cells: [
      token.name,
      t(`scope.${token.scope}`),
      appNames(token.apps, apps.value),
      ...(names ? [maker] : []),
      html`<${When} time=${token.created_at} />`,
      html`<${When} time=${token.last_used_at} never=${t("never")} />`,
      html`<${When} time=${token.expires_at} />`,
      html`<${Sure} label=${t("key.revoke")} question=${t("key.revoke.sure", { label: token.name })} act=${revoke} />`,
    ],
  };
}
