// Patches to a `TopologyBaseline` file, as YAML that `tidewatch baseline merge` takes.
import type { EdgeDetail, Ends } from "../api/details";
import { OUTSIDE } from "../state/kinds";

export interface ExceptionTerms {
  /** A day, `2027-01-31`. */
  until: string;
  owner: string;
  reason: string;
}

/** What was spoken to which port. */
export type Port = Pick<EdgeDetail["rows"][number], "protocol" | "port" | "transport">;

/** A YAML scalar that is this text whatever is in it: JSON strings are YAML. */
const text = (value: string): string => (/^[A-Za-z][\w.-]*$/.test(value) && !/^(true|false|null|yes|no|on|off|y|n)$/i.test(value) ? value : JSON.stringify(value));

/** One end as a baseline names it, from the id of a node. */
export function end(id: string): string {
  const [, ns = "", kind = "", name = ""] = id.split("/").map(decodeURIComponent);
  if (OUTSIDE.has(kind)) return `{ external: { type: ${text(kind)}, name: ${text(name)} } }`;
  const parts = [ns && `ns: ${text(ns)}`, `kind: ${text(kind)}`, `name: ${text(name)}`].filter(Boolean);
  return `{ ${parts.join(", ")} }`;
}

const HEAD = "apiVersion: topology/v1alpha1\nkind: TopologyBaseline\nmetadata: { name: patch }\nspec:\n";

function ports(rows: Port[]): string {
  const byPort = new Map<string, { port: number; transport: string; protocols: Set<string> }>();
  for (const { port, transport, protocol } of rows) {
    if (!port) continue;
    const key = `${port}/${transport}`;
    const entry = byPort.get(key) ?? { port, transport, protocols: new Set<string>() };
    if (protocol !== "unspecified") entry.protocols.add(protocol);
    byPort.set(key, entry);
  }
  const entries = [...byPort.values()].sort((a, b) => a.port - b.port);
  if (entries.length === 0) return "";
  const lines = entries.map(({ port, transport, protocols }) => {
    const on = transport === "tcp" || transport === "udp" ? `, transport: ${transport}` : "";
    const speaks = protocols.size ? `, protocols: [${[...protocols].sort().map(text).join(", ")}]` : "";
    return `{ port: ${port}${on}${speaks} }`;
  });
  return `      ports: [${lines.join(", ")}]\n`;
}

/** The edge is expected from now on. */
export const allow = ({ source, target }: Ends, rows: Port[]): string =>
  `${HEAD}  edges:\n    - from: ${end(source)}\n      to: ${end(target)}\n${ports(rows)}      state: allow\n`;

/** The edge must never be. */
export const forbid = ({ source, target }: Ends): string =>
  `${HEAD}  edges:\n    - from: ${end(source)}\n      to: ${end(target)}\n      state: forbid\n`;

/** The edge is let pass until a day. */
export const except = ({ source, target }: Ends, { until, owner, reason }: ExceptionTerms): string =>
  `${HEAD}  exceptions:\n    - match: { from: ${end(source)}, to: ${end(target)} }\n      until: ${until}T00:00:00Z\n      owner: ${text(owner)}\n      reason: ${text(reason)}\n`;
