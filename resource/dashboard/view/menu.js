// What opens below a button, and closes by Escape or when one goes elsewhere.
import { useEffect, useRef } from "../vendor/preact-hooks.js";
import { useSignal } from "../vendor/signals.js";

/** {host, isOpen, toggle, close, onKeyDown}: `host` and `onKeyDown` are for what holds both. */
export function useMenu() {
  const host = useRef(null);
  const isOpen = useSignal(false);
  const close = () => {
    isOpen.value = false;
    host.current.querySelector("[aria-expanded]").focus();
  };
  const onKeyDown = (event) => {
    if (event.key !== "Escape" || !isOpen.peek()) return;
    event.stopPropagation();
    close();
  };
  useEffect(() => {
    const leave = ({ target }) => host.current.contains(target) || (isOpen.value = false);
    for (const kind of ["pointerdown", "focusin"]) document.addEventListener(kind, leave);
    return () => ["pointerdown", "focusin"].forEach((kind) => document.removeEventListener(kind, leave));
  }, []);
  return { host, isOpen: isOpen.value, toggle: () => (isOpen.value = !isOpen.peek()), close, onKeyDown };
}
