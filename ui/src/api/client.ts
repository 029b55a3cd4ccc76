// Asks the server. One place knows how requests are made and how failures read.
import { fromColumns, isColumns, type ColumnGraph } from "./columns";
import type { Graph } from "./types";

/** Why there is no answer, in words that can be shown. */
export class Failure extends Error {
  constructor(
    readonly kind: "unreachable" | "busy" | "refused" | "broken",
    readonly detail: string,
  ) {
    super(detail);
  }
}

export type Query = Record<string, string | number | boolean | undefined | null>;

/** A path below the page's own address, with a query without empty values. */
export function url(path: string, query: Query = {}): string {
  const pairs = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "" && value !== false) pairs.set(key, String(value));
  }
  const text = pairs.toString();
  return text ? `${path}?${text}` : path;
}

/** The server's own sentence, `{error, help}`, else whatever came. */
async function explain(response: Response): Promise<string> {
  const text = (await response.text()).trim();
  try {
    const { error, help } = JSON.parse(text) as { error?: string; help?: string };
    if (error) return help ? `${error} (${help})` : error;
  } catch {
    // Not JSON: the text itself is the sentence.
  }
  return text.slice(0, 500) || `${response.status} ${response.statusText}`;
}

async function request(address: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(address, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Failure("unreachable", String((error as Error).message ?? error));
  }
  if (response.ok) return response;
  const detail = await explain(response);
  throw new Failure(response.status === 503 || response.status === 429 ? "busy" : response.status < 500 ? "refused" : "broken", detail);
}

/** GETs JSON. */
export async function get<T>(address: string, abort?: AbortSignal): Promise<T> {
  const response = await request(address, { signal: abort ?? null, headers: { accept: "application/json" } });
  return (await response.json()) as T;
}

/** GETs a graph, whether it comes as columns or as objects. */
export async function getGraph(address: string, abort?: AbortSignal): Promise<Graph> {
  const answer = await get<Graph | ColumnGraph>(address, abort);
  return isColumns(answer) ? fromColumns(answer) : answer;
}
