// The keyboard, where nothing is being written.
import { go, page, view } from "../model/address.js";
import { moveSelection, selected } from "../model/rows.js";
import { closePanel, isHelpOpen, openRecord, panel } from "./panel.js";

export function toggleTail() {
  go({ live: view.peek().live === "on" ? "off" : "on" }, true);
}

function move(by) {
  const id = moveSelection(by);
  if (id && panel.peek() === "record") openRecord(id);
}

const ACTIONS = {
  "/": () => document.querySelector(".query-input")?.focus(),
  "j": () => move(1),
  "k": () => move(-1),
  "t": toggleTail,
  "s": () => document.querySelector(".searches .switch")?.click(),
  "?": () => (isHelpOpen.value = !isHelpOpen.peek()),
  "Escape": closePanel,
};
// In the list only: elsewhere these keys have a meaning of their own.
const IN_LIST = {
  ArrowDown: () => move(1),
  ArrowUp: () => move(-1),
  PageDown: () => move(20),
  PageUp: () => move(-20),
  Home: () => move(-Infinity),
};

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    const isWriting = target.matches("input, select, textarea");
    if (page.peek() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isWriting && event.key !== "Escape") return;
    const isIdle = target === document.body || target.matches(".list");
    const act = ACTIONS[event.key] ?? (isIdle && IN_LIST[event.key]);
    if (isIdle && event.key === "Enter" && selected.peek()) openRecord(selected.peek());
    else if (act) act();
    else return;
    event.preventDefault();
  });
}
