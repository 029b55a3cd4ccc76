// Edges as they are drawn in SVG.
import type { Expectation, Level } from "../api/types";
import { edgeNumbers, edgeSentence } from "./words";
import { MARKS } from "./icons";
import { halfway } from "./route";
import type { SceneEdge } from "./scene";

/** Arrowheads, one per colour: a marker cannot take the colour of its line everywhere. */
export function Arrowheads() {
  const kinds = ["ok", "yellow", "red", "unknown"] as const;
  return (
    <defs>
      {kinds.map((kind) => (
        <marker id={`arrow-${kind}`} key={kind} class={`arrow ${kind}`} viewBox="0 0 6 6" refX="5.5" refY="3" markerWidth="6" markerHeight="6" markerUnits="userSpaceOnUse" orient="auto">
          <path d="M0 0 6 3 0 6z" />
        </marker>
      ))}
    </defs>
  );
}

/** The colour of an edge: health, and in baseline mode expectation. */
export function lineColour(level: Level, expected: Expectation, baseline: boolean): Level {
  if (!baseline) return level;
  return expected === "unexpected" || expected === "forbidden" ? "red" : "unknown";
}

interface LineProps {
  drawn: SceneEdge;
  id: string;
  seconds: number;
  picked: boolean;
  baseline: boolean;
  change?: "added" | "changed" | undefined;
}

/** One edge: a wide invisible line to hit, what shows that it is chosen, the line itself and its mark. */
export function EdgeLine({ drawn, id, seconds, picked, baseline, change }: LineProps) {
  const { edge, expected } = drawn;
  const colour = lineColour(drawn.level, expected, baseline);
  const mark = MARKS[expected];
  const [x, y] = halfway(drawn.points);
  return (
    <g
      id={id}
      class={`edge ${colour} is-${expected}${picked ? " picked" : ""}${edge.edges > 1 ? " bundle" : ""}`}
      data-pick={`e:${edge.source}>${edge.target}`}
      role="img"
      aria-label={edgeSentence(edge, seconds)}
    >
      <path class="hit" d={drawn.path} />
      <path class="halo" d={drawn.path} stroke-width={drawn.width + 5} />
      <path class="line" d={drawn.path} stroke-width={expected === "forbidden" ? drawn.width + 3 : drawn.width} marker-end={`url(#arrow-${colour})`} />
      {expected === "forbidden" && <path class="core" d={drawn.path} stroke-width={drawn.width} />}
      {change && (
        <g class="change" transform={`translate(${x} ${y - (mark ? 20 : 0)})`}>
          <circle r="8" />
          <text y="4">{change === "added" ? "+" : "±"}</text>
        </g>
      )}
      {mark && (
        <g class="badge" transform={`translate(${x - 8} ${y - 8})`}>
          <circle cx="8" cy="8" r="9" />
          <path d={mark} transform="translate(2 2)" />
        </g>
      )}
    </g>
  );
}

/** What an edge speaks, above everything; with its numbers if it is selected. */
export function Chip({ drawn, seconds, numbers }: { drawn: SceneEdge; seconds: number; numbers: boolean }) {
  const protocols = Object.keys(drawn.edge.protocols).join(", ");
  if (!protocols) return null;
  const [x, y] = halfway(drawn.points);
  const text = numbers ? `${protocols} · ${edgeNumbers(drawn.edge, seconds)}` : protocols;
  const width = text.length * 6.4 + 12;
  const above = MARKS[drawn.expected] ? 20 : 0;
  return (
    <g class="chip" transform={`translate(${x - width / 2} ${y - 9 - above})`}>
      <rect width={width} height="18" rx="9" />
      <text x={width / 2} y="13">
        {text}
      </text>
    </g>
  );
}
