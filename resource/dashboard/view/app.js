// The page: the sign-in, or the one screen with its panels.
import { html } from "../html.js";
import { page } from "../model/address.js";
import { problem } from "../model/records.js";
import { stage } from "../model/session.js";
import { known, t } from "../text/index.js";
import { Banner } from "./banner.js";
import { Drawer } from "./drawer.js";
import { Facets } from "./facets.js";
import { Help } from "./help.js";
import { Histogram } from "./histogram.js";
import { Levels } from "./levels.js";
import { Page } from "./page.js";
import { panel } from "./panel.js";
import { QueryBox } from "./query-box.js";
import { RecordList } from "./record-list.js";
import { Searches } from "./searches.js";
import { NewPassword, SignIn } from "./sign-in.js";
import { TopBar } from "./top-bar.js";

export function App() {
  const isIn = stage.value === "in" || page.value === "register";
  document.title = `RedLog · ${isIn ? known(`page.${page.value}`) ?? t("title") : t("sign-in")}`;
  if (stage.value === "starting") {
    return problem.value && html`<${Banner} />`;
  }
  if (page.value === "register") return html`<${Page} isBare=${true} />`;
  if (stage.value === "out") return html`<${SignIn} />`;
  if (stage.value === "newcomer") return html`<${NewPassword} />`;
  if (page.value) return html`<${TopBar} /><${Page} />`;
  return html`
    <${TopBar} />
    <main class=${`screen ${panel.value ? "with-panel" : ""}`}>
      <h1 class="unseen">${t("title")}</h1>
      <div class="asking">
        <div class="query-line"><${QueryBox} /><${Searches} /></div>
        <${Banner} />
        <${Histogram} />
        <${Levels} />
      </div>
      <${Facets} />
      <${RecordList} />
      ${panel.value === "record" && html`<${Drawer} />`}
      ${panel.value === "help" && html`<${Help} />`}
    </main>
  `;
}
