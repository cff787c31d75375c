// The words of the page in the reader's language: t("key", {name: value}).
import { language } from "../model/preferences.js";
import { en } from "./en.js";
import { zh } from "./zh.js";

const TEXTS = { en, zh };

/** A text, with what stands in braces replaced. */
export function t(key, values = {}) {
  const text = TEXTS[language.value][key] ?? en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The same where there may be no such text: then undefined. */
export const known = (key, values) => (key in en ? t(key, values) : undefined);

/** A number as the language groups it. */
export const number = (value) => value.toLocaleString(language.value === "zh" ? "zh-CN" : "en-US");
