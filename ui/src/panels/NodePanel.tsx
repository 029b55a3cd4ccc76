// Everything about one node.
import type { Instance, NodeDetail, Series, Usage } from "../api/details";
import type { GraphEdge } from "../api/types";
import { glyph, Icon, Shape } from "../map/icons";
import { nameOf } from "../map/words";
import { cores, bytes, clock, count, ms, percent, rate, span } from "../text/numbers";
import { focusOn, nodePick, select } from "../state/pick";
import { isWord, t } from "../text/words";
import { Expectations } from "./Expectations";
import { Grid, type Column } from "./Grid";
import { average, BigNumbers, EventsTab, NetworkTab, p95, Protocols, Tabs, total, TABS, Time, TrafficCharts, Traces, Verdict, worst } from "./parts";

const LEVELS = { red: 3, yellow: 2, unknown: 1, ok: 0 } as const;

/** The most used of what has a limit. */
function saturation(instances: Instance[]): { share: number; what: string } | null {
  let most: { share: number; what: string } | null = null;
  for (const instance of instances) {
    for (const [what, usage] of [["cpu", instance.cpu], ["memory", instance.memory]] as const) {
      const share = usage?.share;
      if (share !== null && share !== undefined && share > (most?.share ?? -1)) most = { share, what };
    }
  }
  return most;
}

function usageWords(usage: Usage | null | undefined, unit: (value: number | null | undefined) => string): string {
  if (!usage) return "–";
  if (usage.share === null || usage.share === undefined) return unit(usage.used);
  return `${percent(usage.share)} ${t(`usage.${usage.of}`)}`;
}

/** How bad an instance is, for sorting. */
function badness(instance: Instance): number {
  const share = Math.max(instance.cpu?.share ?? 0, instance.memory?.share ?? 0, instance.throttled ?? 0);
  return (instance.ready === false ? 100 : 0) + (instance.level ? LEVELS[instance.level] * 10 : 0) + Math.min(5, instance.restarts) + share;
}

function readiness(instance: Instance): string {
  if (instance.ready === false) return instance.unready_since ? t("instance.unready_since", { time: clock(instance.unready_since) }) : t("instance.unready");
  return instance.ready ? t("instance.ready") : "–";
}

const nameColumn = (): Column<Instance> => ({
  title: t("instance.pod"),
  rank: (instance) => instance.name,
  cell: (instance) => (
    <>
      <Shape level={instance.level ?? (instance.ready === false ? "red" : "ok")} /> {instance.name || t("instance.nameless")}
    </>
  ),
});

function ResourcesTab({ detail }: { detail: NodeDetail }) {
  const rows = [...detail.instances].sort((a, b) => badness(b) - badness(a));
  return (
    <Grid
      label={t("instances.label")}
      rows={rows}
      name={(instance) => instance.name}
      columns={[
        nameColumn(),
        { title: t("instance.cpu"), rank: (i) => i.cpu?.share ?? 0, cell: (i) => usageWords(i.cpu, cores), numeric: true },
        { title: t("instance.memory"), rank: (i) => i.memory?.share ?? 0, cell: (i) => usageWords(i.memory, bytes), numeric: true },
        { title: t("instance.throttled"), rank: (i) => i.throttled ?? 0, cell: (i) => percent(i.throttled), numeric: true },
      ]}
    />
  );
}

function StateTab({ detail }: { detail: NodeDetail }) {
  const rows = [...detail.instances].sort((a, b) => badness(b) - badness(a));
  const { replicas } = detail;
  return (
    <>
      {replicas && <p>{t("replicas.words", { available: replicas.available, desired: replicas.desired })}</p>}
      <Grid
        label={t("instances.label")}
        rows={rows}
        name={(instance) => instance.name}
        columns={[
          nameColumn(),
          { title: t("instance.readiness"), rank: (i) => (i.ready === false ? 1 : 0), cell: readiness },
          { title: t("instance.phase"), rank: (i) => i.phase ?? "", cell: (i) => i.phase ?? "–" },
          { title: t("instance.restarts"), rank: (i) => i.restarts, cell: (i) => count(i.restarts), numeric: true },
          { title: t("instance.oom"), rank: (i) => i.oom_kills, cell: (i) => count(i.oom_kills), numeric: true },
          { title: t("instance.host"), rank: (i) => i.host ?? "", cell: (i) => i.host ?? "–" },
        ]}
      />
    </>
  );
}

/** Callers or called, the worst first. */
function Neighbours({ title, edges, end, seconds }: { title: string; edges: GraphEdge[]; end: "source" | "target"; seconds: number }) {
  const rows = [...edges].sort((a, b) => LEVELS[b.health.level] - LEVELS[a.health.level] || b.requests - a.requests);
  return (
    <>
      <h4>{title}</h4>
      <Grid
        label={title}
        rows={rows}
        name={(edge) => edge[end]}
        open={(edge) => select(nodePick(edge[end]))}
        columns={[
          { title: t("neighbour.name"), rank: (edge) => nameOf(edge[end]), cell: (edge) => <><Shape level={edge.health.level} /> {nameOf(edge[end])}</> },
          { title: t("number.rate"), rank: (edge) => edge.requests, cell: (edge) => rate(edge.requests / Math.max(1, seconds)), numeric: true },
          { title: t("number.errors"), rank: (edge) => edge.errors / Math.max(1, edge.requests), cell: (edge) => (edge.requests ? percent(edge.errors / edge.requests) : "–"), numeric: true },
          { title: t("number.p95"), rank: (edge) => edge.client?.p95_ms ?? 0, cell: (edge) => ms(edge.client?.p95_ms ?? edge.server?.p95_ms), numeric: true },
        ]}
      />
    </>
  );
}

function kindWords(detail: NodeDetail): string {
  const origin = detail.origin ? `origin.${detail.origin}` : "";
  const kind = isWord(origin) ? `${detail.kind} ${t(origin)}` : detail.kind;
  return [kind, detail.namespace && t("node.in", { namespace: detail.namespace }), detail.cluster].filter(Boolean).join(" · ");
}

export function NodePanel({ detail, series }: { detail: NodeDetail; series: Series | null }) {
  const { whole, window } = detail;
  const seconds = window.covered_s;
  const used = saturation(detail.instances);
  const errors = whole.requests ? whole.errors / whole.requests : null;
  const perSecond = total(series, "requests")?.map((value) => (value === null ? null : value / (series?.step_s ?? 1)));
  return (
    <>
      <header>
        <h2>
          <Icon name={glyph(detail.kind)} /> {detail.name}
        </h2>
        <p class="muted">
          {kindWords(detail)}
          {detail.first_seen && <> · {t("panel.since", { age: span((window.to - detail.first_seen) / 1000) })} <Time at={detail.first_seen} /></>}
        </p>
        <p class="actions">
          <button type="button" onClick={() => focusOn(detail.id)}>
            <Icon name="focus" /> {t("panel.focus")}
          </button>
          {detail.links?.logs && (
            <a class="button" href={detail.links.logs} target="_blank" rel="noreferrer">
              <Icon name="external" /> {t("links.logs")}
            </a>
          )}
        </p>
      </header>
      <Verdict health={detail.health} explanation={detail.explanation} />
      <Expectations subject={{ node: detail.id }} expected={detail.expected} />
      <BigNumbers
        numbers={[
          { label: t("number.rate"), value: rate(whole.requests / Math.max(1, seconds)), values: perSecond },
          { label: t("number.errors"), value: percent(errors), bad: (errors ?? 0) > 0.1, values: total(series, "errors") },
          { label: t("number.p95"), value: ms(p95(whole)), values: worst(series, "client_p95_ms") ?? worst(series, "server_p95_ms") },
          { label: used ? t(`saturation.${used.what as "cpu" | "memory"}`) : t("number.saturation"), value: percent(used?.share), bad: (used?.share ?? 0) > 0.9 },
        ]}
      />
      <Tabs tabs={TABS}>
        {(tab) => {
          if (tab === "network") return <NetworkTab network={detail.network} series={series} />;
          if (tab === "resources") return <ResourcesTab detail={detail} />;
          if (tab === "state") return <StateTab detail={detail} />;
          if (tab === "events") return <EventsTab events={detail.events} exemplars={detail.exemplars} logs={detail.links?.logs} />;
          return (
            <>
              <p class="muted">{t("panel.average", { avg: ms(average(whole)), client_errors: count(whole.client_errors) })}</p>
              <Protocols protocols={detail.protocols} seconds={seconds} />
              <Neighbours title={t("panel.upstream")} edges={detail.upstream} end="source" seconds={seconds} />
              <Neighbours title={t("panel.downstream")} edges={detail.downstream} end="target" seconds={seconds} />
              {series && <TrafficCharts series={series} />}
              <Traces exemplars={detail.exemplars} />
            </>
          );
        }}
      </Tabs>
    </>
  );
}
