// A page beside the records. Its code, words and looks are loaded when the first one is opened.
import { html } from "../html.js";
import { useEffect } from "../vendor/preact-hooks.js";
import { signal } from "../vendor/signals.js";
import { page } from "../model/address.js";
import { t } from "../text/index.js";

const LOADERS = {
  account: () => import("../page/account.js"),
  accounts: () => import("../page/accounts.js"),
  apps: () => import("../page/apps.js"),
  register: () => import("../page/register.js"),
  counters: () => import("../page/counters.js"),
  server: () => import("../page/server.js"),
};
const AGAIN_MS = 3000;
const loaded = signal({}); // the component of each page; "away": it could not be loaded

/** `isBare`: it brings its own frame. */
export function Page({ isBare }) {
  const Found = Object.hasOwn(LOADERS, page.value) ? loaded.value[page.value] : "none";
  useEffect(() => void (Found || load(page.value)), [page.value]);
  if (typeof Found === "function" && isBare) return html`<${Found} />`;
  if (typeof Found === "function") return html`<main class="page" tabindex="0" aria-label=${t(`page.${page.value}`)}><${Found} /></main>`;
  const text = t({ none: "page.none", away: "problem.away" }[Found] ?? "loading");
  return html`<main class="page"><p class="note" role=${Found ? "alert" : "status"}>${text}</p></main>`;
}

async function load(name) {
  const module = await Promise.all([LOADERS[name](), import("../page/words.js"), style()]).catch(() => null);
  loaded.value = { ...loaded.peek(), [name]: module ? module[0].default : "away" };
  if (!module) setTimeout(reloadWhenBack, AGAIN_MS);
}

/** Browsers don't load a module again that was missing, so the whole page is, once it can be. */
async function reloadWhenBack() {
  const reply = await fetch(new URL("../start.js", import.meta.url), { cache: "no-store" }).catch(() => null);
  if (reply?.ok) location.reload();
  else setTimeout(reloadWhenBack, AGAIN_MS);
}

let linked = null;

function style() {
  linked ??= new Promise((resolve, reject) => {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", onload: resolve, onerror: reject });
    link.href = new URL("../page/pages.css", import.meta.url);
    document.head.append(link);
  });
  return linked;
}
