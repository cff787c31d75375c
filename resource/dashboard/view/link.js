// A link to another view, which the browser can open elsewhere too.
import { html } from "../html.js";
import { go, linkTo, toPage, view } from "../model/address.js";

/** `to`: what changes in the address, besides that it is this page's. */
export function Link({ page, to, children, ...rest }) {
  const changes = toPage(page, to);
  const names = Object.keys(toPage(page)).filter((name) => name === "page" || name in (to ?? {}));
  const isHere = names.every((name) => view.value[name] === changes[name]);
  const follow = (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(changes);
  };
  return html`<a href=${linkTo(changes)} aria-current=${isHere ? "page" : undefined} onClick=${follow} ...${rest}>${children}</a>`;
}
