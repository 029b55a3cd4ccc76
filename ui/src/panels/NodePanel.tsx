// Everything about one node.
import type { Instance, Neighbour, NodeDetail, Series, Usage } from "../api/details";
import { BADNESS, type Level } from "../api/types";
import { glyph, Icon, Shape } from "../map/icons";
import { nameOf } from "../map/words";
import { cores, bytes, clock, count, ms, percent, rate, span } from "../text/numbers";
import { address, go } from "../state/address";
import { openFor } from "../state/groups";
import { focusOn, nodePick, select } from "../state/pick";
import { isWord, t } from "../text/words";
import { Expectations } from "./Expectations";
import { Grid, type Column } from "./Grid";
import { average, BigNumbers, EventsTab, NetworkTab, p95, Protocols, Tabs, total, TABS, Time, TrafficCharts, Verdict, worst } from "./parts";

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
  return (instance.ready === false ? 100 : 0) + Math.min(5, instance.restarts) + share;
}

/** The rules judge nodes; of an instance only what is beyond doubt is said. */
function instanceLevel(instance: Instance): Level {
  if (instance.ready === false) return "red";
  const share = Math.max(instance.cpu?.share ?? 0, instance.memory?.share ?? 0);
  if (share > 0.9) return "red";
  return share > 0.7 || instance.restarts > 0 || instance.oom_kills > 0 ? "yellow" : "ok";
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
      <Shape level={instanceLevel(instance)} /> {instance.name || t("instance.nameless")}
      {instance.logs && (
        <a href={instance.logs} target="_blank" rel="noreferrer" aria-label={t("links.logs_of", { name: instance.name })}>
          {" "}
          <Icon name="external" />
        </a>
      )}
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
function Neighbours({ title, all, seconds }: { title: string; all: Neighbour[]; seconds: number }) {
  const rows = [...all].sort((a, b) => BADNESS[b.level] - BADNESS[a.level] || b.requests - a.requests);
  return (
    <>
      <h3>{title}</h3>
      <Grid
        label={title}
        rows={rows}
        name={({ id }) => id}
        open={({ id }) => select(nodePick(id))}
        columns={[
          { title: t("neighbour.name"), rank: ({ id }) => nameOf(id), cell: ({ id, level }) => <><Shape level={level} /> {nameOf(id)}</> },
          { title: t("number.rate"), rank: (it) => it.requests, cell: (it) => rate(it.requests / Math.max(1, seconds)), numeric: true },
          { title: t("number.errors"), rank: (it) => it.errors / Math.max(1, it.requests), cell: (it) => (it.requests ? percent(it.errors / it.requests) : "–"), numeric: true },
          { title: t("number.p95"), rank: (it) => it.client?.p95_ms ?? 0, cell: (it) => ms(it.client?.p95_ms ?? it.server?.p95_ms), numeric: true },
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

/** The same under its other name: the workloads behind a Service, the Services before a workload. */
function Also({ also }: { also: string[] }) {
  if (also.length === 0) return null;
  const other = address.value.view === "service" ? "workload" : "service";
  return (
    <p class="muted">
      {t(`also.${other}`)}{" "}
      {also.map((id) => (
        <button type="button" key={id} class="plain link" onClick={() => go({ view: other, pick: nodePick(id), ...openFor([id]), focus: [] })}>
          {nameOf(id)}
        </button>
      ))}
    </p>
  );
}

export function NodePanel({ detail, series }: { detail: NodeDetail; series: Series | null }) {
  const { inbound, outbound, window } = detail;
  const seconds = window.covered_s;
  const used = saturation(detail.instances);
  const errors = inbound.requests ? inbound.errors / inbound.requests : null;
  const perSecond = total(series, "requests")?.map((value) => (value === null ? null : value / (series?.step_s ?? 1)));
  return (
    <>
      <header>
        <h2>
          <Icon name={glyph(detail.kind)} /> {detail.name}
        </h2>
        <p class="muted">
          {kindWords(detail)}
          {!!detail.first_seen && <> · {t("panel.since", { age: span((window.to - detail.first_seen) / 1000) })} <Time at={detail.first_seen} /></>}
        </p>
        <Also also={detail.also} />
        <p class="actions">
          <button type="button" onClick={() => focusOn(detail.id)}>
            <Icon name="focus" /> {t("panel.focus")}
          </button>
          {detail.logs && (
            <a class="button" href={detail.logs} target="_blank" rel="noreferrer">
              <Icon name="external" /> {t("links.logs")}
            </a>
          )}
        </p>
      </header>
      <Verdict health={detail.health} explanation={detail.explanation} />
      <Expectations subject={{ node: detail.id }} expected={detail.expected} />
      <BigNumbers
        numbers={[
          { label: t("number.rate"), value: rate(inbound.requests / Math.max(1, seconds)), values: perSecond },
          { label: t("number.errors"), value: percent(errors), bad: (errors ?? 0) > 0.1, values: total(series, "errors") },
          { label: t("number.p95"), value: ms(p95(inbound)), values: worst(series, "client_p95_ms") ?? worst(series, "server_p95_ms") },
          { label: used ? t(`saturation.${used.what as "cpu" | "memory"}`) : t("number.saturation"), value: percent(used?.share), bad: (used?.share ?? 0) > 0.9 },
        ]}
      />
      <Tabs tabs={TABS}>
        {(tab) => {
          if (tab === "network") return <NetworkTab network={inbound.network ?? outbound.network} series={series} />;
          if (tab === "resources") return <ResourcesTab detail={detail} />;
          if (tab === "state") return <StateTab detail={detail} />;
          if (tab === "events") return <EventsTab events={detail.events} />;
          return (
            <>
              <p class="muted">{t("panel.average", { avg: ms(average(inbound)), client_errors: count(inbound.client_errors) })}</p>
              {inbound.anonymous && <p class="muted">{t("panel.anonymous")}</p>}
              <Protocols protocols={inbound.protocols} seconds={seconds} />
              <Neighbours title={t("panel.upstream")} all={detail.upstream} seconds={seconds} />
              <Neighbours title={t("panel.downstream")} all={detail.downstream} seconds={seconds} />
              {series && <TrafficCharts series={series} />}
            </>
          );
        }}
      </Tabs>
    </>
  );
}
