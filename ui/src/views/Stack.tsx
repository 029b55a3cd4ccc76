import type { Graph } from "../api/types";
export function Stack(_: { graph: Graph }) { return null; }
