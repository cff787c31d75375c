// Who may come in: people, invitations, machines; and what was done.
import { html } from "../html.js";
import { view } from "../model/address.js";
import { may } from "../model/session.js";
import { t } from "../text/index.js";
import { Audit } from "./audit.js";
import { Invitations } from "./invitations.js";
import { People, Person } from "./people.js";
import { partOf, Sheet } from "./sheet.js";
import { Tokens } from "./tokens.js";

const PARTS = { "": People, invitations: Invitations, tokens: Tokens, audit: Audit };

export default function Accounts() {
  const title = t("page.accounts");
  if (!may("admin")) return html`<${Sheet} title=${title}><p class="note">${t("admins-only")}</p><//>`;
  const { id } = view.value;
  if (id) return html`<${Person} key=${id} id=${id} />`;
  const Part = partOf(PARTS);
  return html`<${Sheet} title=${title} parts=${Object.keys(PARTS).map((each) => [each, t(`accounts.part.${each || "people"}`)])}><${Part} /><//>`;
}
