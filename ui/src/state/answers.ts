// What the page knows from the server, kept up to date as the address and the data change.
import { computed } from "@preact/signals";

import { get, getGraph, url, type Query } from "../api/client";
import type { Finding, Findings, Graph, History } from "../api/types";
import { address } from "./address";
import { resource } from "./resource";

/** The window as parameters. */
export const windowQuery = () => ({ from: address.value.from, to: address.value.to });

/** True where groups are open unless they are shut by name: near a focus, and where nodes are few. */
export function opensAll({ open, focus, view } = address.value): boolean {
  return focus.length > 0 || open.includes("*") || view === "namespace" || view === "host";
}

/** Which groups are open, as parameters. */
export function foldingQuery(): Query {
  const { open, shut } = address.value;
  if (opensAll()) return { collapse: shut.length ? shut.join(",") : "none" };
  return open.length ? { expand: open.join(",") } : {};
}

const question = computed(() => {
  const { view, focus, depth, dir, filter } = address.value;
  const subject = focus.at(-1);
  const narrow = subject ? { focus: subject, depth, dir } : {};
  return url("/api/v1/graph", { view, ...windowQuery(), ...foldingQuery(), ...narrow, filter, layout: "layered", format: "columns" });
});

/** The graph that is shown. */
export const graph = resource<Graph>(
  () => question.value,
  (asked, abort) => getGraph(asked, abort),
);

/** What makes the map another map rather than a newer one: the window and folding do not. */
export const mapIdentity = computed(() => {
  const { view, focus, depth, dir, filter } = address.value;
  return JSON.stringify([view, focus.at(-1), depth, dir, filter]);
});

/** Ids of the groups in the answer. */
export const groupsShown = (): string[] => graph.value.data?.groups.map(({ id }) => id) ?? [];

/** All abnormal nodes and edges of the window, also those inside closed groups. */
export const abnormal = resource<Graph>(
  () => {
    const { view, filter } = address.value;
    const ill = "is:abnormal";
    return url("/api/v1/graph", { view, ...windowQuery(), collapse: "none", format: "columns", filter: filter ? `(${filter}) and ${ill}` : ill });
  },
  (asked, abort) => getGraph(asked, abort),
);

/** Where reality differs from the baseline. */
export const findings = resource<Finding[]>(
  () => url("/api/v1/findings", windowQuery()),
  async (asked, abort) => (await get<Findings>(asked, abort)).findings,
);

/** Share of abnormal nodes over the window. */
export const history = resource<History>(
  () => url("/api/v1/history", windowQuery()),
  (asked, abort) => get<History>(asked, abort),
);
