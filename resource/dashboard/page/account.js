// One's own account: password, second factor, where one is signed in, tokens.
import { html } from "../html.js";
import { ask } from "../model/api.js";
import { account, apps, me } from "../model/session.js";
import { t } from "../text/index.js";
import { Answer, useAnswer } from "./answer.js";
import { Entry, Form, Owner } from "./form.js";
import { SecondFactor } from "./second-factor.js";
import { appNames, partOf, Sheet, Table, When } from "./sheet.js";
import { Sure } from "./sure.js";
import { Tokens } from "./tokens.js";

const PARTS = { "": Own, sessions: Sessions, tokens: OwnTokens };

export default function Account() {
  const { actor, role } = me.value;
  const sees = t("own.role", { role: t(`role.${role}`), apps: appNames(role === "admin" ? null : me.value.apps, apps.value) });
  if (!account.value) return html`<${Sheet} title=${actor}><p>${sees}</p><p class="note">${t("own.machine")}</p><//>`;
  const Part = partOf(PARTS);
  return html`
    <${Sheet} title=${account.value.name} above=${sees} parts=${Object.keys(PARTS).map((part) => [part, t(`own.part.${part || "password"}`)])}><${Part} /><//>
  `;
}

function Own() {
  return account.value.has_password ? html`<${Password} /><${SecondFactor} />` : html`<p class="note">${t("own.elsewhere")}</p>`;
}

function Password() {
  const change = async ({ again, ...body }) => {
    if (again !== body.new_password) throw Object.assign(new Error(t("password.differ")), { status: 400, field: "again" });
    await ask("me/password", { method: "POST", body });
  };
  const entry = (name, label, kind) => html`<${Entry} name=${name} label=${t(label)} kind="password" autocomplete=${kind} required />`;
  return html`
    <h2>${t("own.password")}</h2>
    <p class="hint">${t("own.password.hint")}</p>
    <${Form} submit=${change} action=${t("own.password.save")} done=${t("saved")} clears=${true}>
      <${Owner} name=${account.value.name} />
      ${entry("password", "own.password.old", "current-password")}
      ${entry("new_password", "password.new", "new-password")}
      ${entry("again", "password.again", "new-password")}
    <//>
  `;
}

function Sessions() {
  const answer = useAnswer((signal) => ask("me/sessions", { signal }));
  const heads = ["session.agent", "session.address", "created", "used", "ends", "actions"].map((key) => t(key));
  const end = async (id) => {
    await ask(`me/sessions/${id}`, { method: "DELETE" });
    answer.again();
  };
  const rowOf = ({ id, current, user_agent: agent, address, created_at: created, used_at: used, expires_at: ends }) => ({
    key: id,
    cells: [
      agent ?? "–",
      address ?? "–",
      html`<${When} time=${created} />`,
      html`<${When} time=${used} />`,
      html`<${When} time=${ends} />`,
      current ? t("session.this") : html`<${Sure} label=${t("session.end")} question=${t("session.end.sure")} act=${() => end(id)} />`,
    ],
  });
  return html`<${Answer} of=${answer}>${({ sessions }) => html`<${Table} label=${t("own.part.sessions")} heads=${heads} rows=${sessions.map(rowOf)} />`}<//>`;
}

function OwnTokens() {
  return html`<${Tokens} own=${true} />`;
}
