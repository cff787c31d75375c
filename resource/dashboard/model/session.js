// Who looks: signed in by a token (kept until the tab closes) or by name and password (cookies).
import { signal } from "../vendor/signals.js";
import { apiBase } from "./address.js";
import { ask, caller, Problem } from "./api.js";

const TOKEN = `redlog.token ${apiBase}`; // another server's token is never sent to this one

/** "starting", "out", "newcomer" (must change the password) or "in". */
export const stage = signal("starting");
export const apps = signal([]);
export const account = signal(null);
/** {actor, role, scope, apps}: who it is, and what they may do; null: nobody. */
export const me = signal(null);

const RANKS = ["viewer", "member", "admin"];
/** Whether who looks may do what needs this role. */
export const may = (role) => RANKS.indexOf(me.value?.role) >= RANKS.indexOf(role);

/** Go on where this tab left off, or another one, or the sign-on elsewhere that led here: whether
 * there are cookies no script can see, so it is asked. */
export async function resume() {
  caller.token = sessionStorage.getItem(TOKEN) ?? "";
  if (!caller.token && apiBase) return leave();
  try {
    if (!caller.token) await recognise();
    await enter();
  } catch (error) {
    if (error.status === 403 || error.status === 401) leave();
    else throw error;
  }
}

/** Sign in with a token. Raises Problem. */
export async function useToken(token) {
  caller.token = token.trim();
  try {
    await enter();
    sessionStorage.setItem(TOKEN, caller.token);
  } catch (error) {
    caller.token = "";
    throw error;
  }
}

/** Sign in by name and password; `code` is the second factor's. Raises Problem. */
export async function signIn(username, password, code) {
  const body = { username, password, cookie: true };
  if (code) body.code = code;
  greet(await ask("login", { method: "POST", body }));
  await proceed();
}

/** Replace the one-time password, and go on. Raises Problem. */
export async function changePassword(password, newPassword) {
  await ask("me/password", { method: "POST", body: { password, new_password: newPassword } });
  account.value = { ...account.value, must_change: false };
  await enter();
}

export async function signOut() {
  if (!caller.token) await ask("logout", { method: "POST" }).catch(() => null);
  leave();
}

/** Forget who looks. */
export function leave() {
  sessionStorage.removeItem(TOKEN);
  Object.assign(caller, { token: "", csrf: "", renew: null });
  apps.value = [];
  account.value = me.value = null;
  stage.value = "out";
}

async function enter() {
  const [who] = await Promise.all([me.peek() ?? ask("me"), loadApps()]);
  me.value = who;
  stage.value = "in";
}

/** The apps that may be seen, when there are others now. */
export async function loadApps() {
  apps.value = (await ask("apps")).apps;
}

async function proceed() {
  if (account.value?.must_change) stage.value = "newcomer";
  else await enter();
}

function greet(reply) {
  caller.csrf = reply.csrf_token;
  account.value = reply.account;
  caller.renew = renewOnce;
}

async function recognise() {
  caller.renew = renewOnce;
  const who = await ask("me");
  caller.csrf = who.csrf_token ?? "";
  account.value = who.account ?? null;
  me.value = who;
  if (account.value?.must_change) throw new Problem(403, { code: "must_change" });
}

let renewing = null;

/** A fresh access token for the refresh cookie; requests that fail together share one. */
function renewOnce() {
  renewing ??= renew().finally(() => (renewing = null));
  return renewing;
}

async function renew() {
  try {
    caller.csrf = (await ask("refresh", { isFinal: true })).csrf_token;
    greet(await ask("refresh", { method: "POST", isFinal: true }));
    return true;
  } catch (error) {
    if (error.status === 401 || error.status === 403) return false;
    throw error;
  }
}
