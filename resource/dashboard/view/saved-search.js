// One saved search: opened by a click; renamed and deleted by those who may.
import { html } from "../html.js";
import { useLayoutEffect, useRef } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";
import { RANGES } from "../model/address.js";
import { deleteSearch, isShown, openSearch, ownApps, renameSearch } from "../model/searches.js";
import { wholeTime } from "../model/time.js";
import { t } from "../text/index.js";
import { nameOf } from "./value.js";

/** `isApart`: its app is named; `close` what it stands in; `attempt` does what may fail. */
export function SavedSearch({ search, isApart, close, attempt }) {
  const mode = useSignal("");
  const button = useRef(null);
  const { name, app, created_by: who, updated_at: at } = search;
  const choose = () => {
    openSearch(search);
    close();
  };
  const back = () => {
    mode.value = "";
    setTimeout(() => button.current?.focus()); // where the keyboard was
  };
  if (mode.value === "rename") return html`<li><${Rename} search=${search} back=${back} attempt=${attempt} /></li>`;
  if (mode.value === "delete") return html`<li><${Sure} search=${search} back=${back} attempt=${attempt} /></li>`;
  const isOwn = ownApps.value.some(({ id }) => id === app);
  return html`
    <li>
      <button ref=${button} type="button" class="saved" aria-current=${isShown(search)} title=${t("searches.by", { who, time: wholeTime(at) })} onClick=${choose}>
        <b>${name}</b>${isApart && html` <i>${nameOf(app)}</i>`}<span>${summary(search.query)}</span>
      </button>
      ${isOwn && html`<button type="button" aria-label=${t("searches.rename.one", { name })} onClick=${() => (mode.value = "rename")}>${t("searches.rename")}</button>`}
      ${isOwn && html`<button type="button" aria-label=${t("searches.delete.one", { name })} onClick=${() => (mode.value = "delete")}>${t("searches.delete")}</button>`}
    </li>
  `;
}

function Rename({ search, back, attempt }) {
  const input = useRef(null);
  useLayoutEffect(() => input.current.select(), []);
  const submit = async (event) => {
    event.preventDefault();
    const name = input.current.value.trim();
    if (name === search.name || (await attempt(() => renameSearch(search, name)))) back();
  };
  return html`
    <form onSubmit=${submit} onKeyDown=${leaveBy(back)}>
      <input ref=${input} name="rename" required maxlength="128" pattern=".*\\S.*" autocomplete="off" aria-label=${t("searches.rename.one", { name: search.name })} defaultValue=${search.name} />
      <button type="submit">${t("searches.rename")}</button>
      <button type="button" onClick=${back}>${t("searches.cancel")}</button>
    </form>
  `;
}

/** It is gone for everybody, so it is asked twice. */
function Sure({ search, back, attempt }) {
  const button = useRef(null);
  useLayoutEffect(() => button.current.focus(), []);
  const remove = async () => {
    if (await attempt(() => deleteSearch(search))) document.getElementById("searches")?.focus();
    else back();
  };
  return html`
    <p class="sure" onKeyDown=${leaveBy(back)}>
      <span>${t("searches.sure", { name: search.name })}</span>
      <button ref=${button} type="button" class="delete" onClick=${remove}>${t("searches.delete")}</button>
      <button type="button" onClick=${back}>${t("searches.cancel")}</button>
    </p>
  `;
}

const leaveBy = (back) => (event) => {
  if (event.key !== "Escape") return;
  event.stopPropagation();
  back();
};

/** What a search asks for, in a line. */
function summary({ from = "", to = "", q, untrusted, ...rest }) {
  const named = !to && RANGES.includes(from.slice(1)) && t(`range.${from.slice(1)}`);
  const times = named || [from, to].filter(Boolean).join(" – ");
  const others = Object.entries(rest).map(([name, value]) => (name === "level" ? value : `${name}=${value}`));
  return [q, ...others, times, untrusted === "only" && "untrusted"].filter(Boolean).join(" · ");
}
