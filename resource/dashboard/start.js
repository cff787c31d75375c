// The first script: shows the page, resumes the session and follows the address.
import { render } from "./vendor/preact.js";
import { html } from "./html.js";
import { followFacets } from "./model/facets.js";
import { followLive } from "./model/live.js";
import { problem, follow } from "./model/records.js";
import { resume, stage } from "./model/session.js";
import { App } from "./view/app.js";
import { listenToKeys } from "./view/keys.js";

render(html`<${App} />`, document.getElementById("app"));
listenToKeys();
follow();
followLive();
followFacets();
begin();

/** The server may be away when the page is opened: then it is asked until it answers. */
async function begin() {
  try {
    await resume();
    problem.value = null;
  } catch (error) {
    problem.value = error;
    if (stage.peek() === "starting") setTimeout(begin, 3000);
  }
}
