// Markup in template literals: html`<p>${text}</p>` makes elements, never HTML out of text.
import { h } from "./vendor/preact.js";
import htm from "./vendor/htm.js";

export const html = htm.bind(h);
