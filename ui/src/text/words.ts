// Every string of the page comes from a catalogue.
import { signal } from "@preact/signals";

import { en } from "./en";
import { zh } from "./zh";

export type Word = keyof typeof en;
type Values = Record<string, string | number>;

/** `en`, `zh`, or `pseudo`: longer, accented, bracketed, to find what overflows and what is in no catalogue. */
export const language = signal<"en" | "zh" | "pseudo">("en");

const ACCENTS: Record<string, string> = { a: "å", e: "ë", i: "ï", o: "ø", u: "ü", A: "Å", E: "Ë", I: "Ï", O: "Ø", U: "Ü", n: "ñ", c: "ç", y: "ý" };

/** Accents and lengthens by a third; leaves `{values}` alone. */
export function pseudo(text: string): string {
  const accented = text.replace(/\{\w+\}|[aeiouAEIOUncy]/g, (part) => ACCENTS[part] ?? part);
  return `[${accented}${"~".repeat(Math.ceil(text.length / 3))}]`;
}

function pickForm(word: Word, n: string | number | undefined): string {
  const forms = (language.value === "zh" ? zh[word] : en[word]).split("||");
  const form = forms.length > 1 && Number(n) !== 1 ? forms[1]! : forms[0]!;
  return language.value === "pseudo" ? pseudo(form) : form;
}

/** The text for `word`, with its values put in. Plural by `{n}`: `one form||other form`. */
export function t(word: Word, values: Values = {}): string {
  return pickForm(word, values["n"]).replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? `{${name}}`));
}

/** True if the catalogue knows the word: for words made of what the server says. */
export const isWord = (word: string): word is Word => word in en;

/** What the address asks for, else what the browser prefers. */
export function chooseLanguage(asked: string): void {
  const wish = asked || navigator.language;
  language.value = wish === "pseudo" ? "pseudo" : wish.startsWith("zh") ? "zh" : "en";
  document.documentElement.lang = language.value === "zh" ? "zh" : "en";
}
