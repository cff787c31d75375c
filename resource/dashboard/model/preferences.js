// What belongs to the reader and not to the view: language and colours, kept in this browser.
import { effect, signal } from "../vendor/signals.js";

const given = new URLSearchParams(location.search);

function preference(name, allowed, otherwise) {
  const first = [given.get(name), recall(name)].find((value) => allowed.includes(value));
  const chosen = signal(first ?? otherwise);
  effect(() => keep(name, chosen.value));
  return chosen;
}

/** localStorage throws where a browser forbids it. */
function recall(name) {
  try {
    return localStorage.getItem(`redlog.${name}`);
  } catch {
    return null;
  }
}

function keep(name, value) {
  try {
    localStorage.setItem(`redlog.${name}`, value);
  } catch {
    // The choice then lasts as long as the page.
  }
}

const speaksChinese = navigator.language.toLowerCase().startsWith("zh");
export const language = preference("lang", ["en", "zh"], speaksChinese ? "zh" : "en");

/** "auto" follows the system. */
export const theme = preference("theme", ["auto", "light", "dark"], "auto");

/** Whether the screen is like this, now and later on. */
function matches(condition) {
  const asked = matchMedia(condition);
  const is = signal(asked.matches);
  asked.addEventListener("change", () => (is.value = asked.matches));
  return is;
}

const systemIsDark = matches("(prefers-color-scheme: dark)");

/** Whether dark colours are shown now. */
export const isDark = () => (theme.value === "auto" ? systemIsDark.value : theme.value === "dark");

/** Whether the facets stand at the side, where there is room. */
export const facetsOpen = preference("aside", ["on", "off"], "on");

export const isNarrow = matches("(max-width: 700px)");
export const isWide = matches("(min-width: 1001px)");

effect(() => {
  document.documentElement.lang = language.value === "zh" ? "zh-CN" : "en";
  document.documentElement.dataset.theme = isDark() ? "dark" : "light";
});
