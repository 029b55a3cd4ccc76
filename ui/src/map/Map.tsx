// The map: groups, nodes and edges of the current answer, seen through the camera.
import { effect } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";

import type { Graph } from "../api/types";
import { address, go } from "../state/address";
import { fit, formatCamera, holdCamera, parseCamera, type Rect } from "./camera";
import { paint, strokesOf } from "./canvas";
import { GroupBox, NodeCard } from "./cards";
import { Controls } from "./Controls";
import { Arrowheads, Chip, EdgeLine } from "./EdgeLine";
import { cursor, hovered, moveCursor, spot } from "./cursor";
import { camera, current, detail, drawnFor, elementId, fitIfAsked, keep, kept, look, OVERSCAN, revealPick, view } from "./look";
import { sceneOf, touches, type Scene, type SceneEdge } from "./scene";
import { Tip } from "./Tip";
import { count } from "../text/numbers";
import { t } from "../text/words";
import { parsePick, select } from "../state/pick";
import { marks } from "../state/compare";
import { scheme } from "../state/scheme";
import { toggleGroup } from "../state/groups";
import { pickAt } from "./hit";

/** Beyond this many visible edges a canvas draws them. */
export const CANVAS_FROM = 1_500;
/** The most nodes in the page at once; what is out of sight is left out anyhow. */
const NODES_MOST = 1_200;
/** Chips of protocols stand on all edges from this zoom on. */
const CHIPS_FROM = 1.3;

function visibleEdges(scene: Scene, window: Rect): SceneEdge[] {
  return scene.edges.filter((drawn) => touches(drawn.bounds, window));
}

interface LayerProps {
  scene: Scene;
  seconds: number;
}

/** All that moves with the camera. */
function World({ scene, seconds }: LayerProps) {
  const window = kept.value;
  const { pick, mode, focus } = address.value;
  const baseline = mode === "baseline";
  const subject = focus.at(-1) ?? "";
  const changes = marks.value;
  const edges = useMemo(() => visibleEdges(scene, window), [scene, window]);
  const onCanvas = edges.length > CANVAS_FROM;
  const nodes = useMemo(() => scene.nodes.filter(({ box }) => touches(box, window)).slice(0, NODES_MOST), [scene, window]);
  const chips = drawnFor.value.k >= CHIPS_FROM;
  const near = spot.value;
  const inSvg = onCanvas ? edges.filter(({ key, edge }) => `e:${key}` === pick || `e:${key}` === near || pick === `n:${edge.source}` || pick === `n:${edge.target}`) : edges;

  const labelled = chips ? inSvg : inSvg.filter(({ key }) => `e:${key}` === pick || `e:${key}` === near);
  const cards = useMemo(
    () =>
      nodes.map((placed) => {
        const name = `n:${placed.node.id}`;
        return <NodeCard key={name} id={elementId(name)} placed={placed} seconds={seconds} selected={pick === name} focused={subject === placed.node.id} change={changes.get(name)} />;
      }),
    [nodes, pick, seconds, subject, changes],
  );
  const open = useMemo(() => scene.groups.filter(({ group }) => !group.collapsed), [scene]);
  const closed = useMemo(() => scene.groups.filter(({ group, box }) => group.collapsed && touches(box, window)), [scene, window]);
  const box = (placed: (typeof open)[number]) => {
    const name = `g:${placed.group.id}`;
    return <GroupBox key={name} id={elementId(name)} placed={placed} selected={pick === name} />;
  };
  return (
    <>
      {open.map(box)}
      {inSvg.map((drawn) => {
        const name = `e:${drawn.key}`;
        return <EdgeLine key={name} id={elementId(name)} drawn={drawn} seconds={seconds} picked={pick === name} baseline={baseline} change={changes.get(name)} />;
      })}
      {closed.map(box)}
      {cards}
      {labelled.map((drawn) => (
        <Chip key={drawn.key} drawn={drawn} seconds={seconds} numbers={pick === `e:${drawn.key}`} />
      ))}
    </>
  );
}

/** The canvas below, for very many edges. */
function Lines({ scene }: { scene: Scene }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const baseline = address.value.mode === "baseline";
  const window = kept.value;
  const strokes = useMemo(() => {
    const edges = visibleEdges(scene, window);
    return edges.length > CANVAS_FROM ? strokesOf(edges, baseline) : [];
  }, [scene, window, baseline]);
  useEffect(
    () =>
      effect(() => {
        const { w, h } = view.value;
        const wide = { w: w * (1 + 2 * OVERSCAN), h: h * (1 + 2 * OVERSCAN) };
        if (canvas.current) paint(canvas.current, strokes, drawnFor.value, wide);
      }),
    [strokes, scheme.value],
  );
  return <canvas ref={canvas} class="lines" aria-hidden="true" />;
}

type Ref<T> = { current: T | null };

function useCamera(surface: Ref<HTMLDivElement>, picture: Ref<HTMLDivElement>, world: Ref<SVGGElement>) {
  useEffect(() => {
    const element = surface.current!;
    let middle: [number, number] | null = null;
    const measure = () => {
      const { left, top, width, height } = element.getBoundingClientRect();
      const now: [number, number] = [left + width / 2, top + height / 2];
      const first = view.peek().w <= 1;
      view.value = { w: width, h: height };
      const { x, y, k } = camera.peek();
      // What is on the screen stays where it is, whatever opens beside it.
      if (middle) look({ x: x + (now[0] - middle[0]) / k, y: y + (now[1] - middle[1]) / k, k });
      else if (first && current.scene && !address.value.at) look(fit(current.scene.bounds, view.value));
      middle = now;
      keep();
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    const release = holdCamera(element, {
      camera: () => camera.value,
      moved: look,
      settled: () => go({ at: formatCamera(camera.value) }),
    });
    const draw = effect(() => {
      const { x, y, k } = drawnFor.value;
      const { w, h } = view.value;
      world.current?.setAttribute("transform", `translate(${w / 2 - x * k} ${h / 2 - y * k}) scale(${k})`);
    });
    const move = effect(() => {
      const [now, old] = [camera.value, drawnFor.value];
      const shift = `translate(${(old.x - now.x) * now.k}px, ${(old.y - now.y) * now.k}px)`;
      if (picture.current) picture.current.style.transform = now === old ? "" : `${shift} scale(${now.k / old.k})`;
    });
    return () => {
      observer.disconnect();
      release();
      draw();
      move();
    };
  }, []);
}

/** Fits a map that is new: another view, focus or set of data, but not a refresh. */
function useFirstLook(scene: Scene, question: string, asked: string) {
  const last = useRef("");
  useEffect(() => {
    if (last.current === question) return;
    const at = parseCamera(address.value.at);
    if (at) look(at);
    else if (view.value.w > 1) look(fit(scene.bounds, view.value));
    last.current = question;
  }, [scene, question]);
  useEffect(() => fitIfAsked(asked), [scene]);
}

interface MapProps {
  graph: Graph;
  /** What makes it another map rather than a newer one. */
  question: string;
  /** The question that was asked for it. */
  asked: string;
}

export function GraphMap({ graph, question, asked }: MapProps) {
  const surface = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLDivElement>(null);
  const world = useRef<SVGGElement>(null);
  const drawn = useMemo(() => sceneOf(graph), [graph]);
  current.scene = drawn;
  useCamera(surface, picture, world);
  useFirstLook(drawn, question, asked);
  const pick = address.value.pick;
  useEffect(() => revealPick(pick), [pick, drawn]);

  const pickOf = (event: MouseEvent): string => {
    const element = (event.target as Element).closest<SVGElement>("[data-pick]");
    return element?.dataset["pick"] ?? pickAt(drawn, camera.value, view.value, surface.current!, event, CANVAS_FROM);
  };
  const onClick = (event: MouseEvent) => {
    if ((event.target as Element).closest(".controls")) return;
    const fold = (event.target as Element).closest<SVGElement>("[data-fold]");
    if (fold) {
      toggleGroup(fold.dataset["fold"]!);
      return;
    }
    const picked = pickOf(event);
    cursor.value = picked;
    if (picked) select(picked);
    else go({ pick: "" });
  };
  const onDoubleClick = (event: MouseEvent) => {
    const picked = parsePick(pickOf(event));
    if (picked?.is === "group") toggleGroup(picked.id);
  };
  const active = cursor.value;
  return (
    <div
      ref={surface}
      class={`map detail-${detail.value}${address.value.mode === "baseline" ? " by-expectation" : ""}${hovered.value ? " hovering" : ""}`}
      tabIndex={0}
      id="map"
      role="application"
      aria-label={t("map.label")}
      aria-describedby="map-keys"
      aria-activedescendant={active ? elementId(active) : undefined}
      onClick={onClick}
      onDblClick={onDoubleClick}
      onPointerMove={(event) => {
        hovered.value = event.buttons === 0 ? pickOf(event) : "";
      }}
      onPointerLeave={() => {
        hovered.value = "";
      }}
      onKeyDown={(event) => {
        if (moveCursor(event, drawn)) event.preventDefault();
      }}
    >
      <div class="picture" ref={picture}>
        <Lines scene={drawn} />
        <svg class="world">
          <Arrowheads />
          <g ref={world}>
            <World scene={drawn} seconds={graph.window.covered_s} />
          </g>
        </svg>
      </div>
      {drawn.nodes.length > NODES_MOST && <NotDrawn scene={drawn} />}
      <Spotlight scene={drawn} />
      <Tip scene={drawn} seconds={graph.window.covered_s} />
      <Controls />
      <p id="map-keys" class="unseen">
        {t("map.keys")}
      </p>
    </div>
  );
}

/** Says how many nodes the picture lacks because too many are in sight. */
function NotDrawn({ scene }: { scene: Scene }) {
  const window = kept.value;
  const there = scene.nodes.filter(({ box }) => touches(box, window)).length;
  return there > NODES_MOST ? <p class="not-drawn">{t("map.not_drawn", { n: count(there - NODES_MOST) })}</p> : null;
}

/** Marks what is hovered or under the cursor, and its ends, without drawing anything anew. */
function Spotlight({ scene }: { scene: Scene }) {
  useEffect(
    () =>
      effect(() => {
        const name = spot.value;
        const pick = parsePick(name);
        const marked: Element[] = [];
        const mark = (other: string) => {
          const element = document.getElementById(elementId(other));
          if (!element) return;
          element.classList.add("near");
          marked.push(element);
        };
        if (pick) {
          mark(name);
          const ends = pick.is === "edge" ? [pick.source, pick.target] : [];
          const edges = pick.is === "edge" ? [] : (scene.touching.get(pick.id) ?? []);
          for (const { key, edge } of edges) {
            mark(`e:${key}`);
            ends.push(edge.source, edge.target);
          }
          for (const end of ends) {
            mark(`n:${end}`);
            mark(`g:${end}`);
          }
        }
        document.getElementById(elementId(cursor.value))?.classList.add("cursor");
        const before = document.getElementById(elementId(cursor.value));
        return () => {
          for (const element of marked) element.classList.remove("near");
          before?.classList.remove("cursor");
        };
      }),
    [scene],
  );
  return null;
}
