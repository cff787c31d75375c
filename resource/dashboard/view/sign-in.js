// Signing in, by name and password or by a token; and the first password of one's own.
import { html } from "../html.js";
import { useEffect } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { apiBase } from "../model/address.js";
import { ask } from "../model/api.js";
import { account, changePassword, signIn, useToken } from "../model/session.js";
import { t } from "../text/index.js";
import { Appearance } from "./menu.js";

/** Cookies belong to this page's own server: of another one it needs a token. */
export function SignIn() {
  const way = useSignal(apiBase ? "token" : "name");
  const needsCode = useSignal(false);
  const elsewhere = useSignal(false);
  useEffect(() => {
    if (!apiBase) ask("login").then((ways) => (elsewhere.value = ways.single_sign_on), () => {});
  }, []);
  const submit = async ({ token, name, password, code }) => {
    try {
      await (way.value === "token" ? useToken(token) : signIn(name, password, code));
    } catch (error) {
      if (error.code === "code_needed") needsCode.value = true;
      return complaintOf(error, code === undefined ? way.value : "code");
    }
  };
  const turn = () => (way.value = way.value === "name" ? "token" : "name");
  const signOn = elsewhere.value && html`<a class="link" href="/api/v1/oidc/login">${t("sign-in.elsewhere")}</a>`;
  const other = !apiBase && html`${signOn}<button type="button" class="link" onClick=${turn}>${t(way.value === "name" ? "sign-in.by-token" : "sign-in.by-name")}</button>`;
  return html`
    <${Door} title=${t("sign-in")} submit=${submit} action=${t("sign-in")} other=${other}>
      ${way.value === "token"
        ? html`<${Entry} key="token" name="token" label=${t("sign-in.token")} type="password" autocomplete="off" /><p class="hint">${t("sign-in.token.hint")}</p>`
        : html`
            <${Entry} key="name" name="name" label=${t("sign-in.name")} autocomplete="username" />
            <${Entry} key="password" name="password" label=${t("sign-in.password")} type="password" autocomplete="current-password" />
            ${needsCode.value && html`<${Entry} key="code" name="code" label=${t("sign-in.code")} autocomplete="one-time-code" inputmode="numeric" />`}
          `}
      ${apiBase && html`<p class="hint">${t("sign-in.server", { server: apiBase })}</p>`}
    <//>
  `;
}

export function NewPassword() {
  const submit = async ({ old, fresh, again }) => {
    if (fresh !== again) return t("password.differ");
    try {
      await changePassword(old, fresh);
    } catch (error) {
      return error.code === "bad_login" ? t("sign-in.bad") : complaintOf(error, "password");
    }
  };
  return html`
    <${Door} title=${t("password.title")} submit=${submit} action=${t("password.save")}>
      <p class="hint">${t("password.why")}</p>
      <input hidden readonly name="username" autocomplete="username" value=${account.value.name} />
      <${Entry} name="old" label=${t("sign-in.password")} type="password" autocomplete="current-password" />
      <${Entry} name="fresh" label=${t("password.new")} type="password" autocomplete="new-password" />
      <${Entry} name="again" label=${t("password.again")} type="password" autocomplete="new-password" />
    <//>
  `;
}

/** The form, with what `submit` complains of. */
export function Door({ title, submit, action, other, children }) {
  const complaint = useSignal("");
  const isBusy = useSignal(false);
  const onSubmit = async (event) => {
    event.preventDefault();
    isBusy.value = true;
    complaint.value = "";
    complaint.value = (await submit(Object.fromEntries(new FormData(event.currentTarget)))) ?? "";
    isBusy.value = false;
  };
  return html`
    <main class="door">
      <form onSubmit=${onSubmit}>
        <p class="mark">RedLog</p>
        <h1>${title}</h1>
        ${children}
        <p class="complaint" role="alert">${complaint.value}</p>
        <button type="submit" class="main" disabled=${isBusy.value}>${action}</button>
        ${other}
      </form>
      <div class="switches"><${Appearance} /></div>
    </main>
  `;
}

export function Entry({ name, label, type = "text", ...rest }) {
  return html`<label>${label}<input name=${name} type=${type} required spellcheck="false" autocapitalize="off" ...${rest} /></label>`;
}

function complaintOf({ status, code, message, retryAfter }, way) {
  if (status === 0) return t("problem.away");
  if (code === "code_needed") return t("sign-in.bad-code");
  if (status === 429) return t("sign-in.locked", { seconds: retryAfter });
  if (status === 401) return t({ token: "sign-in.bad-token", code: "sign-in.bad-any" }[way] ?? "sign-in.bad");
  return t("problem.refused", { detail: message || code });
}
