// Words of the filter language, for completion. The server parses; the page only helps to type.

/** Fields that stand in front of a comparison, with an example of one. */
export const FIELDS: readonly (readonly [string, string])[] = [
  ["ns", "ns in (shop, pay)"],
  ["name", 'name ~ "^cart"'],
  ["kind", "kind = Deployment"],
  ["proto", "proto:http"],
  ["err%", "err% > 5"],
  ["rps", "rps > 10"],
  ["avg", "avg > 200ms"],
  ["p95", "p95 > 500ms"],
  ["service", "service = cart"],
  ["workload", "workload = cart"],
  ["cluster", "cluster = prod"],
  ["from.", "from.ns = shop"],
  ["to.", "to.kind = MySQL"],
  ["any.", "any.name = cart"],
  ["gap", "gap > 50ms"],
  ["rtt", "rtt > 10ms"],
  ["retrans%", "retrans% > 1"],
  ["failed_connects", "failed_connects > 0"],
  ["port", "port = 5432"],
  ["cpu%", "cpu% > 70"],
  ["mem%", "mem% > 70"],
  ["restarts", "restarts > 0"],
  ["callers", "callers > 10"],
  ["callees", "callees > 10"],
  ["4xx%", "4xx% > 20"],
  ["p50", "p50 > 50ms"],
  ["p99", "p99 > 1s"],
  ["errors", "errors > 0"],
  ["requests", "requests > 1000"],
  ["seen", "seen < 1h"],
  ["age", "age < 1d"],
  ["rank", "rank <= 5"],
  ["health", "health = unknown"],
  ["expected", "expected = excepted"],
  ["id", 'id = "prod/shop/Deployment/cart"'],
];

/** What `is:` may be followed by. */
export const STATES = [
  "abnormal", "red", "yellow", "healthy", "unexpected", "forbidden", "missing", "excepted", "pending", "expected",
  "idle", "new", "external", "unresolved", "root", "leaf",
] as const;

const GLUE = ["and", "or", "not"] as const;

/** Names that the page has seen. */
export interface Seen {
  namespaces: string[];
  protocols: string[];
  kinds: string[];
}

export interface Completion {
  /** What takes the place of the word being typed. */
  text: string;
  /** What it looks like in use. */
  example: string;
}

/** The word that ends at `caret`. */
export function wordAt(text: string, caret: number): { start: number; word: string } {
  const before = text.slice(0, caret);
  const start = Math.max(before.lastIndexOf(" "), before.lastIndexOf("("), before.lastIndexOf(",")) + 1;
  return { start, word: before.slice(start) };
}

/** A name as the language wants it: in quotes if it is more than a word. */
export const quoted = (name: string) => (/^[\w.-]+$/.test(name) ? name : JSON.stringify(name));

/** The field that the values inside a list or behind an operator belong to. */
function fieldBefore(text: string): string {
  const list = /([\w%]+)\s+in\s*\([^)]*$/.exec(text) ?? /([\w%]+)\s*(?:!?=|~)\s*\S*$/.exec(text);
  return list?.[1] ?? "";
}

function values(field: string, seen: Seen): string[] {
  if (field === "ns") return seen.namespaces;
  if (field === "proto") return seen.protocols;
  return field === "kind" ? seen.kinds : [];
}

/** What could stand where the caret is, best first. */
export function complete(text: string, caret: number, seen: Seen): Completion[] {
  const { start, word } = wordAt(text, caret);
  const lower = word.toLowerCase();
  const plain = (options: readonly string[]): Completion[] => options.map((option) => ({ text: option, example: "" }));
  let options: Completion[];
  if (lower.startsWith("is:")) options = plain(STATES.map((state) => `is:${state}`));
  else if (lower.startsWith("proto:")) options = plain(seen.protocols.map((name) => `proto:${quoted(name)}`));
  else {
    const known = values(fieldBefore(text.slice(0, caret)), seen);
    options = known.length
      ? plain(known.map(quoted))
      : [...FIELDS.map(([field, example]) => ({ text: field, example })), { text: "is:", example: "is:unexpected" }, ...plain(start === 0 ? ["not"] : GLUE)];
  }
  return options.filter((option) => option.text.toLowerCase().startsWith(lower) && option.text !== word).slice(0, 9);
}

/** The filter with `part` added, or without it if it was there. */
export function toggle(filter: string, part: string): string {
  const parts = split(filter);
  const rest = parts.filter((other) => other !== part);
  return (rest.length < parts.length ? rest : [...parts, part]).join(" and ");
}

export const holds = (filter: string, part: string): boolean => split(filter).includes(part);

/** The parts that a top-level `and` joins; a filter with a top-level `or` is one part, in parentheses. */
function split(filter: string): string[] {
  const text = filter.trim();
  if (text === "") return [];
  const parts: string[] = [];
  let depth = 0;
  let quote = "";
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at]!;
    if (quote) quote = letter === quote ? "" : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === "(") depth += 1;
    else if (letter === ")") depth -= 1;
    else if (depth === 0 && /^ or\s/i.test(text.slice(at))) return [`(${text})`];
    else if (depth === 0 && /^ and\s/i.test(text.slice(at))) {
      parts.push(text.slice(from, at).trim());
      from = at + 5;
      at += 4;
    }
  }
  parts.push(text.slice(from).trim());
  return parts;
}

/** Only these two namespaces: their edges with each other and inside. */
export const between = (a: string, b: string): string => `ns in (${quoted(a)}, ${quoted(b)})`;

/** What people hide most. */
export const PRESETS = [
  ["hide_dns", "not proto:dns"],
  ["hide_probes", 'not name ~ "kubelet|probe"'],
  ["hide_scrapers", 'not name ~ "prometheus|vmagent|scrape"'],
] as const;

export const UNEXPECTED = "is:unexpected";
