// The audit log: who did what, page by page, the newest first.
import { html } from "../html.js";
import { go, view } from "../model/address.js";
import { ask } from "../model/api.js";
import { t } from "../text/index.js";
import { Link } from "../view/link.js";
import { Answer, useAnswer } from "./answer.js";
import { Entry, Form } from "./form.js";
import { Table, When } from "./sheet.js";

const PAGE = 50;

export function Audit() {
  const { act, actor, before } = view.value;
  const query = { act, actor, before, limit: PAGE };
  const answer = useAnswer((signal) => ask("audit", { query, signal }), JSON.stringify(query));
  const heads = ["audit.at", "audit.actor", "audit.act", "audit.target", "audit.details", "audit.address"].map((key) => t(key));
  const find = async (values) => go({ ...values, before: "" });
  return html`
    <${Form} key=${`${act} ${actor}`} submit=${find} action=${t("audit.find")}>
      <${Entry} name="act" label=${t("audit.act")} hint=${t("audit.act.hint")} value=${act} />
      <${Entry} name="actor" label=${t("audit.actor")} hint=${t("audit.actor.hint")} value=${actor} />
    <//>
    <${Answer} of=${answer}>
      ${({ acts, next_before: next }) => html`
        ${acts.length ? html`<${Table} label=${t("accounts.part.audit")} heads=${heads} rows=${acts.map(rowOf)} />` : html`<p class="note">${t("audit.none")}</p>`}
        <p class="above">
          ${before && html`<${Link} page="accounts" to=${{ part: "audit", act, actor }}>← ${t("audit.newest")}<//>`}
          ${next && html`<${Link} page="accounts" to=${{ part: "audit", act, actor, before: String(next) }}>${t("audit.older")} →<//>`}
        </p>
      `}
    <//>
  `;
}

const rowOf = ({ id, at, actor, act, target, details, address }) => ({
  key: id,
  cells: [html`<${When} time=${at} seconds=${true} />`, actor, act, target, details ? html`<code>${JSON.stringify(details)}</code>` : "–", address ?? "–"],
});
