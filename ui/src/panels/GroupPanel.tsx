// A group, or an edge that stands for several: sums, and the way to what is inside.
import { BADNESS } from "../api/types";
import { Shape, Icon } from "../map/icons";
import { groupCounts, groupLevel } from "../map/cards";
import { bundleWords, nameOf } from "../map/words";
import { address } from "../state/address";
import { graph } from "../state/answers";
import { toggleGroup } from "../state/groups";
import { focusOn, nodePick, select, type Pick } from "../state/pick";
import { ms, percent, rate } from "../text/numbers";
import { t } from "../text/words";
import { BigNumbers, Verdict } from "./parts";
import { Grid } from "./Grid";

function Members({ id }: { id: string }) {
  const data = graph.value.data;
  const nodes = data?.nodes.filter((node) => node.group === id) ?? [];
  if (nodes.length === 0) return <p class="muted">{t("group.closed")}</p>;
  const seconds = Math.max(1, data?.window.covered_s ?? 1);
  return (
    <Grid
      label={t("group.members")}
      rows={[...nodes].sort((a, b) => BADNESS[b.health.level] - BADNESS[a.health.level])}
      name={(node) => node.id}
      open={(node) => select(nodePick(node.id))}
      most={40}
      columns={[
        { title: t("neighbour.name"), rank: (node) => node.name, cell: (node) => <><Shape level={node.health.level} /> {node.name}</> },
        { title: t("number.rate"), rank: (node) => node.requests, cell: (node) => rate(node.requests / seconds), numeric: true },
        { title: t("number.errors"), rank: (node) => node.errors / Math.max(1, node.requests), cell: (node) => (node.requests ? percent(node.errors / node.requests) : "–"), numeric: true },
        { title: t("number.p95"), rank: (node) => (node.server ?? node.client)?.p95_ms ?? 0, cell: (node) => ms((node.server ?? node.client)?.p95_ms), numeric: true },
      ]}
    />
  );
}

function Group({ id }: { id: string }) {
  const group = graph.value.data?.groups.find((other) => other.id === id);
  if (!group) return <p class="muted">{t("panel.gone")}</p>;
  return (
    <>
      <header>
        <h2>
          <Icon name="namespace" /> {group.label}
        </h2>
        <p>
          <Shape level={groupLevel(group)} /> {groupCounts(group)}
        </p>
        <p class="actions">
          <button type="button" class="main" onClick={() => toggleGroup(id)}>
            {t(group.collapsed ? "group.open" : "group.close")}
          </button>
          <button type="button" onClick={() => focusOn(id)}>
            <Icon name="focus" /> {t("panel.focus")}
          </button>
        </p>
      </header>
      <Members id={id} />
    </>
  );
}

function Bundle({ source, target }: { source: string; target: string }) {
  const data = graph.value.data;
  const edge = data?.edges.find((other) => other.source === source && other.target === target);
  if (!data || !edge) return <p class="muted">{t("panel.gone")}</p>;
  const closed = [source, target].filter((id) => data.groups.some((group) => group.id === id && group.collapsed));
  return (
    <>
      <header>
        <h2>
          {nameOf(source)} <span aria-hidden="true">→</span> {nameOf(target)}
        </h2>
        <p class="muted">{bundleWords(edge)}</p>
        <p class="actions">
          {closed.map((id) => (
            <button type="button" key={id} onClick={() => toggleGroup(id)}>
              {t("group.open_named", { name: nameOf(id) })}
            </button>
          ))}
        </p>
      </header>
      <Verdict health={edge.health} />
      <BigNumbers
        numbers={[
          { label: t("number.rate"), value: rate(edge.requests / Math.max(1, data.window.covered_s)) },
          { label: t("number.errors"), value: edge.requests ? percent(edge.errors / edge.requests) : "–" },
          { label: t("number.p95"), value: ms(edge.client?.p95_ms ?? edge.server?.p95_ms) },
        ]}
      />
      {address.value.open.length === 0 && <p class="muted">{t("group.bundle_hint")}</p>}
    </>
  );
}

export function GroupPanel({ pick }: { pick: Pick }) {
  if (pick.is === "edge") return <Bundle source={pick.source} target={pick.target} />;
  return <Group id={pick.id} />;
}
