// What the panels of nodes and of edges share.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import type { EventSeen, Exemplar, Explanation, Metric, Network, Numbers, ProtocolCalls, Series } from "../api/details";
import type { Health } from "../api/types";
import { Icon, Shape } from "../map/icons";
import { address, go, type Tab } from "../state/address";
import { bytes, clock, clockInFull, count, ms, percent, rate, short } from "../text/numbers";
import { isWord, t } from "../text/words";
import { Chart, Sparkline, type Line } from "./Chart";
import { Grid } from "./Grid";
import { inUnit, ruleName, sentenceOf } from "./sentence";

export const TABS: Tab[] = ["traffic", "network", "resources", "state", "events"];

/** A moment with the zone in its title. */
export function Time({ at }: { at: number | null | undefined }) {
  return <time title={clockInFull(at)}>{clock(at)}</time>;
}

/** The one sentence that says what is the matter, then each reason. */
export function Verdict({ health, explanation, gap }: { health: Health; explanation?: Explanation | null | undefined; gap?: number | null | undefined }) {
  const reasons = health.reasons ?? [];
  return (
    <section class={`verdict ${health.level}`} aria-label={t("panel.verdict")}>
      <p>
        <Shape level={health.level} /> {sentenceOf(health, explanation, gap)}
      </p>
      {reasons.length > 0 && (
        <ul>
          {reasons.map((reason) => (
            <li key={`${reason.rule} ${reason.level}`}>
              <Shape level={reason.level} /> <b>{ruleName(reason.rule)}</b> {inUnit(reason.value, reason.unit)}{" "}
              <span class="muted">{t("reason.limit", { limit: inUnit(reason.threshold, reason.unit) })}</span>
              {reason.suggestion && <p class="hint">{reason.suggestion}</p>}
            </li>
          ))}
        </ul>
      )}
      {explanation?.hint && <p class="hint">{explanation.hint}</p>}
    </section>
  );
}

interface Big {
  label: string;
  value: string;
  bad?: boolean;
  values?: (number | null)[] | undefined;
}

/** The four numbers; a press copies one. */
export function BigNumbers({ numbers }: { numbers: Big[] }) {
  const [copied, setCopied] = useState("");
  return (
    <div class="bigs">
      {numbers.map(({ label, value, bad, values }) => (
        <button
          type="button"
          key={label}
          class={`big${bad ? " bad" : ""}`}
          title={t("panel.copy")}
          onClick={() => void navigator.clipboard?.writeText(value).then(() => setCopied(label), () => undefined)}
        >
          <span class="label">{copied === label ? t("panel.copied") : label}</span>
          <span class="value">{value}</span>
          {values && values.length > 1 && <Sparkline values={values} label={label} />}
        </button>
      ))}
    </div>
  );
}

/** Sums a metric over protocols, step by step. */
export function total(series: Series | null, metric: Metric): (number | null)[] | undefined {
  if (!series) return undefined;
  const columns = Object.values(series.protocols).flatMap((protocol) => protocol[metric] ?? []);
  if (columns.length === 0) return undefined;
  return series.times.map((_, step) => {
    let sum: number | null = null;
    for (const protocol of Object.values(series.protocols)) {
      const value = protocol[metric]?.[step];
      if (value !== null && value !== undefined) sum = (sum ?? 0) + value;
    }
    return sum;
  });
}

/** The worst of a metric over protocols, step by step: means and percentiles do not add. */
export function worst(series: Series | null, metric: Metric): (number | null)[] | undefined {
  if (!series) return undefined;
  const columns = Object.values(series.protocols).map((protocol) => protocol[metric]).filter((column) => column !== undefined);
  if (columns.length === 0) return undefined;
  return series.times.map((_, step) => columns.reduce<number | null>((most, column) => (column[step] === null || column[step] === undefined ? most : Math.max(most ?? 0, column[step]!)), null));
}

export function Tabs({ tabs, children }: { tabs: Tab[]; children: (tab: Tab) => ComponentChildren }) {
  const now = tabs.includes(address.value.tab) ? address.value.tab : tabs[0]!;
  const onKeyDown = (event: KeyboardEvent) => {
    const way = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (way === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = tabs[(tabs.indexOf(now) + way + tabs.length) % tabs.length]!;
    go({ tab: next });
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <>
      <div class="tabs" role="tablist" aria-label={t("panel.tabs")} onKeyDown={onKeyDown}>
        {tabs.map((tab) => (
          <button type="button" key={tab} id={`tab-${tab}`} role="tab" aria-selected={tab === now} aria-controls="tab-body" tabIndex={tab === now ? 0 : -1} onClick={() => go({ tab })}>
            {t(`tab.${tab}`)}
          </button>
        ))}
      </div>
      <div id="tab-body" role="tabpanel" aria-labelledby={`tab-${now}`}>
        {children(now)}
      </div>
    </>
  );
}

/** Aggregates, one line per protocol. */
export function Protocols({ protocols, seconds }: { protocols: ProtocolCalls[]; seconds: number }) {
  return (
    <Grid
      label={t("protocols.label")}
      rows={protocols}
      name={({ protocol }) => protocol}
      columns={[
        { title: t("protocols.protocol"), rank: ({ protocol }) => protocol, cell: ({ protocol }) => protocolName(protocol) },
        { title: t("number.rate"), rank: (n) => n.requests, cell: (n) => rate(n.requests / Math.max(1, seconds)), numeric: true },
        { title: t("number.errors"), rank: (n) => n.errors / Math.max(1, n.requests), cell: (n) => (n.requests ? percent(n.errors / n.requests) : "–"), numeric: true },
        { title: t("number.avg"), rank: (n) => average(n) ?? 0, cell: (n) => ms(average(n)), numeric: true },
        { title: t("number.p95"), rank: (n) => p95(n) ?? 0, cell: (n) => ms(p95(n)), numeric: true },
      ]}
    />
  );
}

/** The caller's time is what users feel; where only the other side was seen, that. */
export const average = (n: Numbers) => n.client?.avg_ms ?? n.server?.avg_ms;
export const p95 = (n: Numbers) => n.client?.p95_ms ?? n.server?.p95_ms;

export const protocolName = (name: string): string => (isWord(`protocol.${name}`) ? t(`protocol.${name}` as never) : name);

const perSecond = (values: (number | null)[] | undefined, step: number) => values?.map((value) => (value === null ? null : value / step));

/** Rate, errors and latency of one protocol, under one crosshair. */
export function TrafficCharts({ series }: { series: Series }) {
  const names = Object.entries(series.protocols)
    .map(([name, columns]) => [name, columns, (columns.requests ?? []).reduce<number>((sum, value) => sum + (value ?? 0), 0)] as const)
    .sort((a, b) => b[2] - a[2]);
  return (
    <>
      {names.map(([name, columns]) => {
        const rates: Line[] = [{ label: t("number.rate"), values: perSecond(columns.requests, series.step_s) ?? [], tone: "one" }];
        if (columns.errors) rates.push({ label: t("number.errors"), values: perSecond(columns.errors, series.step_s)!, tone: "bad" });
        const times: Line[] = [];
        if (columns.client_p95_ms) times.push({ label: t("side.client"), values: columns.client_p95_ms, tone: "one" });
        if (columns.server_p95_ms) times.push({ label: t("side.server"), values: columns.server_p95_ms, tone: "two" });
        return (
          <section class="protocol" key={name} aria-label={protocolName(name)}>
            <h3>{protocolName(name)}</h3>
            <Chart title={t("chart.rate")} times={series.times} lines={rates} format={rate} />
            {times.length > 0 && <Chart title={t("chart.latency")} times={series.times} lines={times} format={ms} gap={times.length === 2} />}
          </section>
        );
      })}
    </>
  );
}

/** What TCP knows. */
export function NetworkTab({ network, series }: { network: Network | null | undefined; series: Series | null }) {
  if (!network) return <p class="muted none">{t("network.none")}</p>;
  const facts: [string, string][] = [
    [t("network.rtt"), ms(network.rtt_ms)],
    [t("network.retransmits"), percent(network.retransmit_ratio)],
    [t("network.connections"), count(network.connections)],
    [t("network.refused"), count(network.refused)],
    [t("network.timed_out"), count(network.timed_out)],
    [t("network.unreachable"), count(network.unreachable)],
    [t("network.sent"), bytes(network.bytes_sent)],
    [t("network.received"), bytes(network.bytes_received)],
  ];
  const rtt = worst(series, "rtt_ms");
  const lost = total(series, "retransmits");
  return (
    <>
      <dl class="facts">
        {facts.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {series && rtt && <Chart title={t("network.rtt")} times={series.times} lines={[{ label: t("network.rtt"), values: rtt, tone: "three" }]} format={ms} />}
      {series && lost && <Chart title={t("network.retransmits")} times={series.times} lines={[{ label: t("network.retransmits"), values: lost, tone: "four" }]} format={short} />}
    </>
  );
}

export function EventsTab({ events }: { events: EventSeen[] }) {
  return (
    <Grid
      label={t("events.title")}
      rows={events}
      name={(event) => `${event.at} ${event.reason} ${event.message}`}
      columns={[
        { title: t("events.reason"), rank: (event) => (event.warning ? 1 : 0), cell: (event) => <><Shape level={event.warning ? "yellow" : "ok"} /> {event.reason}</> },
        { title: t("events.message"), rank: (event) => event.message, cell: (event) => <span class="wrap">{event.message}</span> },
        { title: t("events.times"), rank: (event) => event.count, cell: (event) => count(event.count), numeric: true },
        { title: t("events.at"), rank: (event) => event.at, cell: (event) => <Time at={event.at} />, numeric: true },
      ]}
    />
  );
}

/** Traces that show what the numbers stand for. */
export function Traces({ exemplars }: { exemplars: Exemplar[] }) {
  if (exemplars.length === 0) return null;
  return (
    <>
      <h3>{t("traces.title")}</h3>
      <ul class="traces">
        {exemplars.map(({ trace, link, duration_ms, failed }) => (
          <li key={`${trace} ${failed}`}>
            <Shape level={failed ? "red" : "ok"} />{" "}
            {link ? (
              <a href={link} target="_blank" rel="noreferrer">
                <code>{trace.slice(0, 16)}</code> <Icon name="external" />
              </a>
            ) : (
              <code>{trace}</code>
            )}{" "}
            {ms(duration_ms)} {failed && t("traces.failed")}
          </li>
        ))}
      </ul>
    </>
  );
}
