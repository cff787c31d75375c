// What stands at the side: a record, the help, or nothing. Of records the address says which.
import { computed, signal } from "../vendor/signals.js";
import { go, view } from "../model/address.js";
import { isCovering } from "../model/facets.js";

export const isHelpOpen = signal(false);
export const panel = computed(() => (isHelpOpen.value ? "help" : view.value.record ? "record" : ""));

/** Close what is open; the keyboard goes back to the list. */
export function closePanel() {
  if (isCovering.peek()) isCovering.value = false;
  else if (isHelpOpen.peek()) isHelpOpen.value = false;
  else go({ record: "" }, true);
  document.querySelector(".list")?.focus();
}

export function openRecord(id) {
  isHelpOpen.value = false;
  go({ record: id }, true);
}
