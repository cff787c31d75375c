// Making an account of one's own, by the invitation that stands in the address behind the #.
import { html } from "../html.js";
import { go, toPage } from "../model/address.js";
import { ask } from "../model/api.js";
import { signIn } from "../model/session.js";
import { t } from "../text/index.js";
import { Door, Entry } from "../view/sign-in.js";
import { complaintOf } from "./form.js";

export default function Register() {
  const submit = async ({ name, fresh, again }) => {
    if (fresh !== again) return t("password.differ");
    const invitation = location.hash.slice(1) || null;
    try {
      await ask("register", { method: "POST", body: { username: name, password: fresh, invitation } });
      go(toPage("")); // the invitation is used
      await signIn(name, fresh);
    } catch (problem) {
      return complaintOf(problem);
    }
  };
  return html`
    <${Door} title=${t("register")} submit=${submit} action=${t("register.do")}>
      <p class="hint">${t("register.hint")}</p>
      <${Entry} name="name" label=${t("sign-in.name")} autocomplete="username" />
      <${Entry} name="fresh" label=${t("sign-in.password")} type="password" autocomplete="new-password" />
      <${Entry} name="again" label=${t("password.again")} type="password" autocomplete="new-password" />
    <//>
  `;
}
