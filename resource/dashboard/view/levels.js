// The line below the histogram: levels with their counts, and what is under the pointer.
import { html } from "../html.js";
import { go, view } from "../model/address.js";
import { counts, LEVELS, shownLevels, toggledLevel, totals } from "../model/counts.js";
import { problem } from "../model/records.js";
import { list, revision } from "../model/rows.js";
import { shortTime } from "../model/time.js";
import { number, t } from "../text/index.js";
import { Columns } from "./columns.js";
import { Export } from "./export.js";
import { FacetsToggle } from "./facets.js";
import { pointed } from "./histogram.js";
import { Seconds } from "./seconds.js";

export function Levels() {
  const shown = shownLevels.value;
  const bucket = counts.value?.starts[pointed.value] === undefined ? -1 : pointed.value;
  const countOf = (name) => (bucket < 0 ? totals.value[name] : counts.value.levels[name][bucket]);
  const sign = counts.value?.isLess ? "≥" : "";
  const all = shown.reduce((sum, name) => sum + countOf(name), 0);
  const { untrusted } = view.value;
  return html`
    <div class="levels">
      <${FacetsToggle} />
      <div class="level-choice" role="group" aria-label=${t("levels")}>
        ${LEVELS.toReversed().map(
          (name) => html`
            <button type="button" key=${name} class=${`level ${name}`} aria-pressed=${shown.includes(name)} onClick=${() => go({ level: toggledLevel(name), record: "" })}>
              <i aria-hidden="true"></i>${name}${" "}<b>${counts.value ? sign + number(countOf(name)) : "…"}</b>
            </button>
          `,
        )}
      </div>
      <p class="sum" title=${sign && t("facets.less")}>${!counts.value ? html`<${Searching} />` : bucket < 0 ? t(all === 1 && !sign ? "count.one" : "count", { count: sign + number(all) }) : stretch(bucket)}</p>
      <label class="untrusted" title=${t("untrusted.hint")}>
        <input type="checkbox" checked=${untrusted === "show"} onChange=${() => go({ untrusted: untrusted === "show" ? "hide" : "show" })} />${t("untrusted")}
      </label>
      <${Columns} />
      <${Export} />
      <p class="loaded" data-loaded=${revision.value >= 0 && list.rows.length}>${t("count.loaded", { count: number(list.rows.length) })}</p>
    </div>
  `;
}

/** Seen when it takes a while. */
const Searching = () => !problem.value && html`<span class="searching">${t("searching")} <${Seconds} /></span>`;

function stretch(bucket) {
  const { starts, interval } = counts.value;
  return `${shortTime(starts[bucket])} – ${shortTime(starts[bucket] + interval).slice(6)}`;
}
