// The first sentence of a panel: what is the matter, since when, and where to look.
import type { Explanation } from "../api/details";
import type { Health, Reason } from "../api/types";
import { nameOf } from "../map/words";
import { clock, ms, percent, short, span } from "../text/numbers";
import { isWord, t } from "../text/words";

/** A measured value in the unit of its rule; shares are in percent already. */
export function inUnit(value: number, unit = ""): string {
  if (unit === "%") return percent(value / 100);
  if (unit === "ms") return ms(value);
  return unit === "s" ? span(value) : short(value);
}

export function ruleName(rule: string): string {
  const word = `rule.${rule}`;
  return isWord(word) ? t(word) : rule.replace(/[_-]/g, " ");
}

const since = (reason: Reason) => (reason.since ? t("sentence.since", { time: clock(reason.since) }) : "");

function cause(explanation: Explanation | null | undefined): string {
  if (!explanation || explanation.cause === "unknown") return "";
  const word = `cause.${explanation.cause}`;
  if (isWord(word)) return t(word, { subject: nameOf(explanation.subject ?? "") });
  return explanation.sentence ?? "";
}

/** `Error rate 12 % since 14:03. The server side is healthy: look at the network.` */
export function sentenceOf(health: Health, explanation: Explanation | null | undefined, gap: number | null | undefined): string {
  const [first] = health.reasons ?? [];
  if (!first) return t(health.level === "unknown" ? "sentence.unknown" : "sentence.healthy");
  const what = [ruleName(first.rule), inUnit(first.value, first.unit), since(first)].filter(Boolean).join(" ");
  const why = cause(explanation) || (explanation?.sentence ?? "") || (gap && gap > 0 && first.class === "network" ? t("sentence.gap", { gap: ms(gap) }) : "");
  return t("sentence.join", { what, why }).trim();
}
