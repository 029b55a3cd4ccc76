// The stacked view: what is focused with its callers and called as Services, below them Workloads, pods and hosts.
import { computed } from "@preact/signals";

import { get, url } from "../api/client";
import { BADNESS, type StackAnswer, type StackItem } from "../api/types";
import { glyph, Icon, lines, Shape, SHAPES } from "../map/icons";
import { elementId } from "../map/look";
import { address, go } from "../state/address";
import { windowQuery } from "../state/answers";
import { nodePick, parsePick, select } from "../state/pick";
import { resource } from "../state/resource";
import { middle } from "../text/numbers";
import { t } from "../text/words";
import { Grid } from "../panels/Grid";
import { Failed, Notice } from "./Notice";
import { CARD, stack, type Placed, type Stacked } from "./stacking";

/** What the stack is about: the focus, else what is selected. */
const subject = computed(() => {
  const { focus, pick, show } = address.value;
  if (show !== "stack") return "";
  const picked = parsePick(pick);
  return focus.at(-1) ?? (picked?.is === "node" || picked?.is === "group" ? picked.id : picked ? `${picked.source}>${picked.target}` : "");
});

const answer = resource<StackAnswer>(
  () => (subject.value ? url("/api/v1/stack", { focus: subject.value, depth: address.value.depth, dir: address.value.dir, ...windowQuery() }) : null),
  (asked, abort) => get<StackAnswer>(asked, abort),
);

const canSelect = (plane: string) => plane === "service" || plane === "workload";

const middleOf = ({ x, y }: Placed): [number, number] => [x + CARD.w / 2, y + CARD.h / 2];

function Item({ placed, plane }: { placed: Placed; plane: string }) {
  const { item, x, y } = placed;
  const press = () => canSelect(plane) && select(nodePick(item.id));
  return (
    <g
      class={`node ${item.level}${item.focus ? " focused" : ""}${address.value.pick === nodePick(item.id) ? " picked" : ""}`}
      id={`${elementId(`${plane} ${item.id}`)}s`}
      transform={`translate(${x} ${y})`}
      role={canSelect(plane) ? "button" : "img"}
      tabindex={canSelect(plane) ? 0 : undefined}
      aria-label={`${t(`plane.${plane as "service"}`)} ${item.name}, ${t(`level.${item.level}`)}`}
      onClick={press}
      onKeyDown={(event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        press();
      }}
    >
      <title>{item.name}</title>
      <rect class="card" width={CARD.w} height={CARD.h} rx="6" />
      <rect class="side" width="3" height={CARD.h} rx="1.5" />
      <path class="glyph" d={lines(plane === "host" ? "host" : plane === "pod" ? "pod" : glyph(item.kind))} transform="translate(8 6)" />
      <text x="30" y="18">
        {middle(item.name, 14)}
      </text>
      {SHAPES[item.level] && <path class="shape" d={SHAPES[item.level]} transform={`translate(${CARD.w - 17} 8)`} />}
    </g>
  );
}

function Picture({ data, stacked }: { data: StackAnswer; stacked: Stacked }) {
  const spot = (plane: number, place: number) => stacked.planes[plane]?.items[place];
  return (
    <svg class="stack map" viewBox={`0 0 ${stacked.w} ${stacked.h}`} width={stacked.w} height={stacked.h} role="group" aria-label={t("show.stack")}>
      {stacked.planes.map(({ outline, plane, top }) => (
        <g key={plane.plane} class="plane">
          <polygon points={outline.map((point) => point.join(",")).join(" ")} />
          <text class="counts" x="16" y={top - 4}>
            {t(`plane.${plane.plane}`)} {plane.hidden > 0 && t("plane.hidden", { n: plane.hidden })} {plane.items.length === 0 && t("plane.none")}
          </text>
        </g>
      ))}
      {data.lines.map(({ plane, upper, lower }) => {
        const [from, to] = [spot(plane, upper), spot(plane + 1, lower)];
        if (!from || !to) return null;
        return <path class="owns" key={`${plane} ${upper} ${lower}`} d={`M${middleOf(from).join(" ")}L${middleOf(to).join(" ")}`} />;
      })}
      {data.calls.map(({ plane, source, target, level }) => {
        const [from, to] = [spot(plane, source), spot(plane, target)];
        if (!from || !to) return null;
        const [x, y] = [from.x + CARD.w, from.y + CARD.h / 2];
        const [toX, toY] = [to.x, to.y + CARD.h / 2];
        const bend = Math.max(24, Math.abs(toX - x) / 2);
        return (
          <g class={`edge ${level}`} key={`${plane} ${source} ${target}`}>
            <path class="line" d={`M${x} ${y}C${x + bend} ${y} ${toX - bend} ${toY} ${toX} ${toY}`} stroke-width="1.6" />
          </g>
        );
      })}
      {stacked.planes.map(({ items, plane }) => items.map((placed) => <Item key={`${plane.plane} ${placed.item.id}`} placed={placed} plane={plane.plane} />))}
    </svg>
  );
}

type Row = StackItem & { plane: string; on: string };

/** The same as a list: what each thing is, how it is, and what it stands on. */
function rowsOf(data: StackAnswer): Row[] {
  const below = new Map<string, string[]>();
  for (const { plane, upper, lower } of data.lines) {
    const name = data.planes[plane + 1]?.items[lower]?.name;
    const key = `${plane} ${upper}`;
    if (name) below.set(key, [...(below.get(key) ?? []), name]);
  }
  return data.planes.flatMap(({ plane, items }, at) => items.map((item, place) => ({ ...item, plane, on: (below.get(`${at} ${place}`) ?? []).join(", ") })));
}

function List({ data }: { data: StackAnswer }) {
  return (
    <Grid
      label={t("stack.list")}
      rows={rowsOf(data)}
      name={(row) => `${row.plane} ${row.id}`}
      open={(row) => select(nodePick(row.id))}
      fixed={(row) => !canSelect(row.plane)}
      most={200}
      columns={[
        { title: t("table.name"), rank: (row) => row.name, cell: (row) => row.name },
        { title: t("table.kind"), rank: (row) => row.plane, cell: (row) => t(`plane.${row.plane as "service"}`) },
        { title: t("table.state"), rank: (row) => BADNESS[row.level], cell: (row) => <><Shape level={row.level} /> {t(`level.${row.level}`)}</> },
        { title: t("stack.on"), rank: (row) => row.on, cell: (row) => row.on || "–" },
      ]}
    />
  );
}

export function Stack() {
  if (!subject.value) {
    return (
      <Notice title={t("stack.choose")}>
        <p>
          <button type="button" class="main" onClick={() => go({ show: "map" })}>
            <Icon name="map" /> {t("show.map")}
          </button>
        </p>
      </Notice>
    );
  }
  const { data, failure } = answer.value;
  if (failure && (!data || failure.kind === "refused")) return <Failed failure={failure} />;
  if (!data) return <Notice title={t("page.loading")} />;
  return (
    <div class="tables">
      <div class="scroll">
        <Picture data={data} stacked={stack(data)} />
      </div>
      <h2>{t("stack.list")}</h2>
      <List data={data} />
    </div>
  );
}
