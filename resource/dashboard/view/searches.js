// Below the query: searches that are kept under a name, and links to what is shown.
import { html } from "../html.js";
import { useLayoutEffect, useRef } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { linkTo, view } from "../model/address.js";
import { counts } from "../model/counts.js";
import { fixedLink, keepView, loadSearches, movesOn, ownApps, replaceSearch, searches } from "../model/searches.js";
import { apps } from "../model/session.js";
import { t } from "../text/index.js";
import { CopyButton } from "./copy-button.js";
import { useDropdown } from "./dropdown.js";
import { SavedSearch } from "./saved-search.js";

export function Searches() {
  const { host, isOpen, toggle, close, onKeyDown } = useDropdown();
  return html`
    <div ref=${host} class="searches" onKeyDown=${onKeyDown}>
      <button type="button" class="switch" aria-expanded=${isOpen} aria-controls="searches" title=${t("searches.hint")} onClick=${toggle}>${t("searches")}</button>
      ${isOpen && html`<${Panel} close=${close} />`}
    </div>
  `;
}

function Panel({ close }) {
  const box = useRef(null);
  const complaint = useSignal("");
  useLayoutEffect(() => {
    box.current.focus();
    attempt(complaint, loadSearches);
  }, []);
  return html`
    <section ref=${box} id="searches" tabindex="-1" role="dialog" aria-label=${t("searches.title")}>
      <h2>${t("searches.title")}</h2>
      <${List} close=${close} complaint=${complaint} />
      <p class="complaint" role="alert">${complaint.value}</p>
      ${ownApps.value.length > 0 && searches.value && html`<${Keep} />`}
      <h2>${t("link")}</h2>
      <p class="ways">
        <${CopyButton} label=${t("link.copy")} text=${() => linkTo({})} />
        ${movesOn.value && counts.value && html`<${CopyButton} label=${t("link.fixed")} text=${fixedLink} />`}
      </p>
    </section>
  `;
}

function List({ close, complaint }) {
  const { app } = view.value;
  const found = (searches.value ?? []).filter((search) => !app || String(search.app) === app);
  if (!found.length) return searches.value && html`<p class="hint">${t("searches.none")}</p>`;
  const guarded = (act) => attempt(complaint, act);
  return html`<ul>${found.map((search) => html`<${SavedSearch} key=${search.id} search=${search} isApart=${!app && apps.value.length > 1} close=${close} attempt=${guarded} />`)}</ul>`;
}

/** The view, to be kept; where there is a search of that name, it may be replaced. */
function Keep() {
  const complaint = useSignal("");
  const said = useSignal("");
  const taken = useSignal(null);
  const own = ownApps.value.filter(({ id }) => !view.value.app || String(id) === view.value.app);
  if (!own.length) return null;
  const run = async (act) => {
    [said.value, taken.value] = ["", null];
    if (await attempt(complaint, act)) said.value = t("searches.kept");
  };
  const replace = () => {
    const search = taken.peek();
    return run(() => replaceSearch(search));
  };
  const submit = async (event) => {
    event.preventDefault();
    const { name, app = own[0].id } = Object.fromEntries(new FormData(event.currentTarget));
    await run(() => keepView(name.trim(), Number(app)));
    if (complaint.peek()) taken.value = searches.peek()?.find((each) => each.name === name.trim() && each.app === Number(app));
  };
  return html`
    <form onSubmit=${submit}>
      <label>${t("searches.keep")}<input name="name" required maxlength="128" pattern=".*\\S.*" autocomplete="off" /></label>
      ${own.length > 1 && html`<select name="app" aria-label=${t("app")}>${own.map(({ id, name }) => html`<option key=${id} value=${id}>${name}</option>`)}</select>`}
      <button type="submit" class="main">${t("searches.save")}</button>
      <p class="complaint" role="alert">${complaint.value}</p>
      ${taken.value && html`<button type="button" class="replace" onClick=${replace}>${t("searches.replace")}</button>`}
      <p class="hint" role="status">${said.value}</p>
    </form>
  `;
}

/** Do something that may fail; whether it did not. `complaint` is told why. */
async function attempt(complaint, act) {
  try {
    complaint.value = "";
    await act();
    return true;
  } catch (error) {
    if (error.status === undefined) throw error;
    complaint.value = complaintOf(error);
    return false;
  }
}

function complaintOf({ status, code, message, position }) {
  if (status === 0) return t("searches.away");
  if (code === "name_taken") return t("searches.taken");
  if (code === "bad_query") return t("problem.query", { position: position + 1, detail: message });
  return t("problem.refused", { detail: message || code });
}
