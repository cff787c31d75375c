// The one door to the server: the public API, with a token or with the session's cookies.
import { apiBase } from "./address.js";
import { language } from "./preferences.js";

/** Why a request failed: the server's problem reply, or status 0 when it could not be reached. */
export class Problem extends Error {
  constructor(status, body = {}, retryAfter = 0) {
    super(body.detail || body.title || "");
    Object.assign(this, { status, code: body.code ?? "away", position: body.position, field: body.field, retryAfter });
  }
}

/** Who asks: `token` (empty: cookies), `csrf` of the session, and what renews a session. */
export const caller = { token: "", csrf: "", renew: null };

/** Ask for JSON. `query`: parameters, the empty ones are left out. Raises Problem. */
export async function ask(path, options) {
  const reply = await open(path, options);
  return isJson(reply) ? reply.json() : {};
}

/** Open a reply, to be read as it comes; a refusal that is not `isFinal` renews the session. Raises Problem. */
export async function open(path, { method = "GET", query = {}, body, signal, isFinal = false } = {}) {
  const once = () => send(path, method, query, body, signal);
  const renew = isFinal || caller.token ? null : caller.renew;
  let reply = await once();
  if (reply.status === 401 && renew && (await isStale(reply)) && (await renew())) reply = await once();
  if (reply.ok) return reply;
  const said = isJson(reply) ? await reply.json() : {};
  throw new Problem(reply.status, { code: `http_${reply.status}`, ...said }, +reply.headers.get("Retry-After"));
}

const isJson = (reply) => (reply.headers.get("Content-Type") ?? "").includes("json");

/** Whether fresh cookies may help; a wrong password is never sent twice. */
async function isStale(reply) {
  const { code } = await reply.clone().json().catch(() => ({}));
  return code === "bad_token" || code === "revoked_token";
}

async function send(path, method, query, body, signal) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const search = given.length ? `?${new URLSearchParams(given)}` : "";
  const headers = { "Accept-Language": language.peek() };
  if (caller.token) headers.Authorization = `Bearer ${caller.token}`;
  else if (method !== "GET" && caller.csrf) headers["X-Redlog-CSRF"] = caller.csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const credentials = caller.token || apiBase ? "omit" : "same-origin";
  const options = { method, headers, credentials, signal };
  if (body !== undefined) options.body = JSON.stringify(body);
  try {
    return await fetch(`${apiBase}/api/v1/${path}${search}`, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Problem(0);
  }
}
