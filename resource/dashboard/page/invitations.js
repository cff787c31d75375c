// Invitations: each good for one account.
import { html } from "../html.js";
import { useSignal } from "../vendor/signals.js";
import { apiBase } from "../model/address.js";
import { ask } from "../model/api.js";
import { apps } from "../model/session.js";
import { t } from "../text/index.js";
import { Answer, useAnswer } from "./answer.js";
import { Entry, Form } from "./form.js";
import { Rights, rightsOf } from "./people.js";
import { appNames, Table, When } from "./sheet.js";
import { Once, Sure } from "./sure.js";

export function Invitations() {
  const answer = useAnswer((signal) => ask("invitations", { signal }));
  const made = useSignal("");
  const invite = async (values) => {
    const { invitation } = await ask("invitations", { method: "POST", body: rightsOf(values) });
    made.value = linkOf(invitation);
    answer.again();
  };
  const heads = ["account.role", "account.apps", "made-by", "created", "ends", "actions"].map((key) => t(key));
  return html`
    ${made.value && html`<${Once} text=${made.value} close=${() => (made.value = "")}>${t("invitation.made")}<//>`}
    <${Answer} of=${answer}>
      ${({ invitations }) => (invitations.length ? html`<${Table} label=${t("accounts.part.invitations")} heads=${heads} rows=${invitations.map((each) => rowOf(each, answer.again))} />` : html`<p class="note">${t("invitation.none")}</p>`)}
    <//>
    <h2>${t("invitation.new")}</h2>
    <${Form} submit=${invite} action=${t("invitation.create")}>
      <${Rights} role="viewer" apps=${[]} />
      <${Entry} name="days" label=${t("invitation.days")} kind="number" value="7" min="1" max="365" />
    <//>
  `;
}

/** Behind the # nothing is sent to a server, nor written into its logs. */
const linkOf = (invitation) => `${apiBase ? `${apiBase}/` : location.origin + location.pathname}?page=register#${invitation}`;

function rowOf({ id, role, apps: ids, created_by: who, created_at: created, expires_at: end }, again) {
  const takeBack = async () => {
    await ask(`invitations/${id}`, { method: "DELETE" });
    again();
  };
  return {
    key: id,
    cells: [
      t(`role.${role}`),
      appNames(role === "admin" ? null : ids, apps.value),
      who,
      html`<${When} time=${created} />`,
      html`<${When} time=${end} />`,
      html`<${Sure} label=${t("invitation.take-back")} question=${t("invitation.take-back.sure")} act=${takeBack} />`,
    ],
  };
}
