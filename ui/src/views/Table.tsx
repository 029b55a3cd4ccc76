// The same as the map, as tables: groups with their nodes, and all calls.
import { useRef, useState } from "preact/hooks";

import { BADNESS, type Graph, type GraphEdge, type GraphGroup, type GraphNode, type Level } from "../api/types";
import { groupCounts, groupLevel } from "../map/cards";
import { glyph, Icon, Shape } from "../map/icons";
import { nameOf } from "../map/words";
import { address } from "../state/address";
import { toggleGroup } from "../state/groups";
import { edgePick, groupPick, nodePick, select } from "../state/pick";
import { ms, percent, rate } from "../text/numbers";
import { protocolName } from "../panels/parts";
import { t } from "../text/words";

const MOST = 400;

type Row = { is: "group"; group: GraphGroup } | { is: "node"; node: GraphNode };

function rowsOf(graph: Graph): Row[] {
  const members = new Map<string, GraphNode[]>();
  for (const node of graph.nodes) {
    const list = members.get(node.group);
    if (list) list.push(node);
    else members.set(node.group, [node]);
  }
  return graph.groups.flatMap((group): Row[] => {
    const nodes = [...(members.get(group.id) ?? [])].sort((a, b) => BADNESS[b.health.level] - BADNESS[a.health.level] || a.name.localeCompare(b.name));
    return [{ is: "group", group }, ...nodes.map((node): Row => ({ is: "node", node }))];
  });
}

const expectedWord = (value: GraphEdge["expected"]) => (value ? t(`expected.${value}`) : "–");

/** Numbers of calls, as cells. */
function Cells({ calls, seconds }: { calls: GraphNode | GraphEdge; seconds: number }) {
  const p95 = calls.client?.p95_ms ?? calls.server?.p95_ms;
  return (
    <>
      <td role="gridcell" class="numeric">{rate(calls.requests / Math.max(1, seconds))}</td>
      <td role="gridcell" class="numeric">{calls.requests ? percent(calls.errors / calls.requests) : "–"}</td>
      <td role="gridcell" class="numeric">{ms(p95)}</td>
      <td role="gridcell">{expectedWord(calls.expected)}</td>
    </>
  );
}

function LevelCell({ level }: { level: Level }) {
  return (
    <td role="gridcell">
      <Shape level={level} /> {t(`level.${level}`)}
    </td>
  );
}

const HEADS = ["table.state", "number.rate", "number.errors", "number.p95", "table.expected"] as const;

function Head({ first }: { first: string[] }) {
  return (
    <thead>
      <tr role="row">
        {first.map((title) => <th key={title} role="columnheader" scope="col">{title}</th>)}
        {HEADS.map((word, index) => <th key={word} role="columnheader" scope="col" class={index > 0 && index < 4 ? "numeric" : ""}>{t(word)}</th>)}
      </tr>
    </thead>
  );
}

/** Rows that arrow keys walk: one of them is in the tab order. */
function useRows() {
  const body = useRef<HTMLTableSectionElement>(null);
  const [at, setAt] = useState(0);
  const walk = (event: KeyboardEvent, all: number): boolean => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -all, End: all }[event.key];
    if (step === undefined) return false;
    const next = Math.max(0, Math.min(all - 1, at + step));
    setAt(next);
    (body.current?.rows[next] as HTMLElement | undefined)?.focus();
    return true;
  };
  return { body, at, setAt, walk };
}

function Nodes({ graph }: { graph: Graph }) {
  const rows = rowsOf(graph);
  const { body, at, setAt, walk } = useRows();
  const seconds = graph.window.covered_s;
  const { pick } = address.value;
  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[at];
    if (walk(event, rows.length)) event.preventDefault();
    else if (row?.is === "group" && ((event.key === "ArrowRight" && row.group.collapsed) || (event.key === "ArrowLeft" && !row.group.collapsed) || event.key === " ")) {
      event.preventDefault();
      toggleGroup(row.group.id);
    } else if (row && event.key === "Enter") {
      event.preventDefault();
      select(row.is === "group" ? groupPick(row.group.id) : nodePick(row.node.id));
    }
  };
  return (
    <table role="treegrid" aria-label={t("table.nodes")} onKeyDown={onKeyDown}>
      <Head first={[t("table.name"), t("table.kind")]} />
      <tbody ref={body}>
        {rows.map((row, index) => {
          const common = { role: "row" as const, tabIndex: index === at ? 0 : -1, onFocus: () => setAt(index) };
          if (row.is === "group") {
            const { group } = row;
            return (
              <tr key={group.id} {...common} class="of-group" aria-level={1} aria-expanded={!group.collapsed} aria-selected={pick === groupPick(group.id)} onClick={() => select(groupPick(group.id))}>
                <td role="gridcell">
                  <button type="button" class="plain" tabIndex={-1} aria-label={t(group.collapsed ? "group.open_named" : "group.close_named", { name: group.label })} onClick={(event) => { event.stopPropagation(); toggleGroup(group.id); }}>
                    <Icon name={group.collapsed ? "right" : "down"} />
                  </button>{" "}
                  <b>{group.label}</b>
                </td>
                <td role="gridcell">{t("table.group")}</td>
                <LevelCell level={groupLevel(group)} />
                <td role="gridcell" colSpan={4}>{groupCounts(group)}</td>
              </tr>
            );
          }
          const { node } = row;
          return (
            <tr key={node.id} {...common} aria-level={2} aria-selected={pick === nodePick(node.id)} onClick={() => select(nodePick(node.id))}>
              <td role="gridcell" class="inner"><Icon name={glyph(node.kind)} /> {node.name}</td>
              <td role="gridcell">{node.kind}</td>
              <LevelCell level={node.health.level} />
              <Cells calls={node} seconds={seconds} />
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function Calls({ graph }: { graph: Graph }) {
  const [all, setAll] = useState(false);
  const sorted = [...graph.edges].sort((a, b) => BADNESS[b.health.level] - BADNESS[a.health.level] || b.requests - a.requests);
  const rows = all ? sorted : sorted.slice(0, MOST);
  const { body, at, setAt, walk } = useRows();
  const seconds = graph.window.covered_s;
  const { pick } = address.value;
  const onKeyDown = (event: KeyboardEvent) => {
    const edge = rows[at];
    if (walk(event, rows.length)) event.preventDefault();
    else if (edge && event.key === "Enter") {
      event.preventDefault();
      select(edgePick(edge.source, edge.target));
    }
  };
  return (
    <>
      <table role="treegrid" aria-label={t("table.calls")} onKeyDown={onKeyDown}>
        <Head first={[t("table.source"), t("table.target"), t("protocols.protocol")]} />
        <tbody ref={body}>
          {rows.map((edge, index) => (
            <tr
              key={`${edge.source}>${edge.target}`}
              role="row"
              aria-level={1}
              tabIndex={index === at ? 0 : -1}
              aria-selected={pick === edgePick(edge.source, edge.target)}
              onFocus={() => setAt(index)}
              onClick={() => select(edgePick(edge.source, edge.target))}
            >
              <td role="gridcell">{nameOf(edge.source)}</td>
              <td role="gridcell">{nameOf(edge.target)}</td>
              <td role="gridcell">{Object.keys(edge.protocols).map(protocolName).join(", ")}</td>
              <LevelCell level={edge.health.level} />
              <Cells calls={edge} seconds={seconds} />
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length < sorted.length && (
        <button type="button" onClick={() => setAll(true)}>
          {t("grid.more", { n: sorted.length - rows.length })}
        </button>
      )}
    </>
  );
}

export function Table({ graph }: { graph: Graph }) {
  return (
    <div class="tables">
      <h2>{t("table.nodes")}</h2>
      <Nodes graph={graph} />
      <h2>{t("table.calls")}</h2>
      <Calls graph={graph} />
    </div>
  );
}
