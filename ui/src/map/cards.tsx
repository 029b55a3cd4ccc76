// Nodes and groups as they are drawn.
import type { Box, GraphGroup, GraphNode, Level } from "../api/types";
import { middle, ms, percent, rate } from "../text/numbers";
import { t } from "../text/words";
import { glyph, lines, MARKS, SHAPES } from "./icons";
import type { SceneGroup, SceneNode } from "./scene";

const at = (box: Box) => ({ transform: `translate(${box.x}px, ${box.y}px)` });

/** `12.3/s · 1.2 % · 340 ms`. */
export function nodeNumbers(node: GraphNode, seconds: number): string {
  const requests = node.requests;
  if (requests === 0) return t("node.idle");
  return [
    rate(requests / Math.max(1, seconds)),
    percent(node.errors / requests),
    ms(node.server?.p95_ms ?? node.client?.p95_ms),
  ].join(" · ");
}

/** What a screen reader says of a node. */
export function nodeSentence(node: GraphNode, seconds: number): string {
  const where = node.namespace ? t("node.in", { namespace: node.namespace }) : "";
  return [`${node.kind} ${node.name}`, where, t(`level.${node.health.level}`), nodeNumbers(node, seconds)].filter(Boolean).join(", ");
}

interface CardProps {
  placed: SceneNode;
  id: string;
  seconds: number;
  selected: boolean;
  focused: boolean;
  /** How it differs from the window that it is compared with. */
  change?: "added" | "changed" | undefined;
}

/** A card: glyph and name, the three numbers, the health as edge and shape. */
export function NodeCard({ placed: { node, box }, id, seconds, selected, focused, change }: CardProps) {
  const level = node.health.level;
  const expected = node.expected ?? "expected";
  const marked = MARKS[expected] !== "";
  const letters = Math.floor((box.w - (marked ? 80 : 60)) / 7.3);
  return (
    <g
      id={id}
      class={`node ${level} is-${expected}${selected ? " picked" : ""}${focused ? " focused" : ""}`}
      style={at(box)}
      data-pick={`n:${node.id}`}
      role="img"
      aria-label={nodeSentence(node, seconds)}
    >
      <title>{node.name}</title>
      <rect class="card" width={box.w} height={box.h} rx="6" />
      <path class="side" d={`M6 0A6 6 0 0 0 0 6V${box.h - 6}A6 6 0 0 0 6 ${box.h}Q3 ${box.h} 3 ${box.h - 6}V6Q3 0 6 0Z`} />
      <path class="glyph" d={lines(glyph(node.kind))} transform="translate(12 6)" />
      <text class="name" x="34" y="18.5">
        {middle(node.name, Math.max(6, letters))}
      </text>
      <text class="numbers" x="12" y="35.5">
        {nodeNumbers(node, seconds)}
      </text>
      {SHAPES[level] && <path class="shape" d={SHAPES[level]} transform={`translate(${box.w - 20} 8)`} />}
      {change && (
        <g class="change" transform={`translate(${box.w} 0)`}>
          <circle r="8" />
          <text y="4">{change === "added" ? "+" : "±"}</text>
        </g>
      )}
      {marked && <path class="mark" d={MARKS[expected]} transform={`translate(${box.w - 38} 8)`} />}
    </g>
  );
}

function arc(from: number, to: number): string {
  const point = (share: number) => {
    const angle = share * 2 * Math.PI - Math.PI / 2;
    return `${(8 + 6 * Math.cos(angle)).toFixed(2)} ${(8 + 6 * Math.sin(angle)).toFixed(2)}`;
  };
  return `M${point(from)}A6 6 0 ${to - from > 0.5 ? 1 : 0} 1 ${point(Math.min(to, from + 0.9999))}`;
}

/** The shares of red and yellow nodes as a ring of 16 px. */
export function Ring({ red, yellow, all }: { red: number; yellow: number; all: number }) {
  const most = Math.max(1, all);
  return (
    <g class="ring">
      <circle class="rest" cx="8" cy="8" r="6" />
      {yellow > 0 && <path class="yellow" d={arc(red / most, (red + yellow) / most)} />}
      {red > 0 && <path class="red" d={arc(0, red / most)} />}
    </g>
  );
}

/** `1 red`, `2 yellow`: what is the matter with a group. */
function groupTroubles(group: GraphGroup): string[] {
  const parts: string[] = [];
  if (group.red) parts.push(t("group.red", { n: group.red }));
  if (group.yellow) parts.push(t("group.yellow", { n: group.yellow }));
  if (group.edges_red) parts.push(t("group.edges_red", { n: group.edges_red }));
  if (group.unexpected) parts.push(t("group.unexpected", { n: group.unexpected }));
  return parts;
}

/** `6 nodes · 1 red · 2 yellow · 1 unexpected`. */
export const groupCounts = (group: GraphGroup): string => [t("group.nodes", { n: group.nodes }), ...groupTroubles(group)].join(" · ");

export const groupLevel = (group: GraphGroup): Level => (group.red ? "red" : group.yellow ? "yellow" : "ok");

interface GroupProps {
  placed: SceneGroup;
  id: string;
  selected: boolean;
}

const LETTER = 6.3;

/** Puts parts into lines of at most `letters`, and at most `most` lines. */
function wrap(parts: string[], letters: number, most: number): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + part.length + 3 <= letters) lines[lines.length - 1] = `${last} · ${part}`;
    else if (lines.length < most) lines.push(middle(part, letters));
  }
  return lines;
}

/** What stands below the name of a collapsed group: the counts, then the worst members as far as there is room. */
function Inside({ group, box }: SceneGroup) {
  const room = Math.max(1, Math.floor((box.h - 30) / 16));
  const letters = Math.floor((box.w - 24) / LETTER);
  const counts = wrap([t("group.nodes", { n: group.nodes }), ...groupTroubles(group)], letters, room);
  const worst = (group.worst ?? []).slice(0, room - counts.length);
  return (
    <>
      {counts.map((line, index) => (
        <text class="counts" key={line} x="12" y={42 + index * 16}>
          {line}
        </text>
      ))}
      {worst.map(({ name, level }, index) => (
        <g class="worst" key={name} transform={`translate(12 ${32 + (counts.length + index) * 16})`}>
          <path class={`shape ${level}`} d={SHAPES[level]} transform="scale(0.75)" />
          <text x="14" y="10">
            {middle(name, letters - 2)}
          </text>
        </g>
      ))}
    </>
  );
}

/** A group: a card if collapsed, else the box around its nodes. */
export function GroupBox({ placed, id, selected }: GroupProps) {
  const { group, box } = placed;
  const level = groupLevel(group);
  const letters = Math.floor((box.w - 78) / 7);
  const counts = groupCounts(group);
  const label = middle(group.label, Math.max(8, letters));
  const room = letters - label.length - 2;
  return (
    <g
      id={id}
      class={`group ${level} ${group.collapsed ? "collapsed" : "open"}${group.unexpected ? " is-unexpected" : ""}${selected ? " picked" : ""}`}
      style={at(box)}
      data-pick={`g:${group.id}`}
      role="img"
      aria-label={`${group.label}, ${counts}`}
    >
      <title>{`${group.label}: ${counts}`}</title>
      <rect class="card" width={box.w} height={box.h} rx="6" />
      <g class="corner" transform="translate(10 8)">
        <Ring red={group.red} yellow={group.yellow} all={group.nodes} />
      </g>
      <text class="name" x="34" y="20.5">
        {label}
        {!group.collapsed && room >= 8 && (
          <tspan class="counts" dx="10">
            {wrap([t("group.nodes", { n: group.nodes }), ...groupTroubles(group)], room, 1)[0]}
          </tspan>
        )}
      </text>
      {group.unexpected > 0 && group.collapsed && <path class="mark" d={MARKS.unexpected} transform={`translate(${box.w - 46} 10)`} />}
      <g class="fold" data-fold={group.id} transform={`translate(${box.w - 28} 8)`}>
        <rect width="24" height="24" x="-4" y="-4" class="hit" />
        <path d={lines(group.collapsed ? "plus" : "minus")} />
      </g>
      {group.collapsed && <Inside {...placed} />}
    </g>
  );
}
