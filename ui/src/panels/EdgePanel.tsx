// Everything about one edge: both sides of it, and what lies between them.
import type { EdgeDetail, Numbers, Series } from "../api/details";
import { Icon } from "../map/icons";
import { nameOf } from "../map/words";
import { clock, count, ms, percent, rate, span } from "../text/numbers";
import { focusOn, nodePick, select } from "../state/pick";
import { isWord, t } from "../text/words";
import { Expectations } from "./Expectations";
import { Grid } from "./Grid";
import { BigNumbers, NetworkTab, p95, protocolName, Protocols, Tabs, Time, total, TrafficCharts, Traces, Verdict, worst } from "./parts";

/** Client and server side by side, and the difference: what the network and the queues before the server take. */
function Sides({ whole, gap }: { whole: Numbers; gap: number | null | undefined }) {
  const rows = [
    [t("number.avg"), whole.client?.avg_ms, whole.server?.avg_ms, gap] as const,
    [t("number.p95"), whole.client?.p95_ms, whole.server?.p95_ms, null] as const,
  ];
  return (
    <div class="grid">
      <table>
        <caption>{t("sides.title")}</caption>
        <thead>
          <tr>
            <th scope="col">
              <span class="unseen">{t("sides.number")}</span>
            </th>
            <th scope="col" class="numeric">{t("side.client")}</th>
            <th scope="col" class="numeric">{t("side.server")}</th>
            <th scope="col" class="numeric">{t("side.gap")}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([label, client, server, difference]) => (
            <tr key={label}>
              <th scope="row">{label}</th>
              <td class="numeric">{ms(client)}</td>
              <td class="numeric">{ms(server)}</td>
              <td class="numeric">{ms(difference)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Ports({ detail }: { detail: EdgeDetail }) {
  const seconds = detail.window.covered_s;
  return (
    <>
      <h3>{t("ports.title")}</h3>
      <Grid
        label={t("ports.title")}
        rows={detail.rows}
        name={(row) => `${row.port} ${row.transport} ${row.protocol}`}
        columns={[
          { title: t("ports.port"), rank: (row) => row.port ?? 0, cell: (row) => (row.port ? [row.port, row.transport].filter((part) => part !== "unspecified").join("/") : t("protocol.unspecified")) },
          { title: t("protocols.protocol"), rank: (row) => row.protocol, cell: (row) => protocolName(row.protocol) },
          { title: t("number.rate"), rank: (row) => row.requests, cell: (row) => rate(row.requests / Math.max(1, seconds)), numeric: true },
          { title: t("number.errors"), rank: (row) => row.errors, cell: (row) => (row.requests ? percent(row.errors / row.requests) : "–"), numeric: true },
        ]}
      />
    </>
  );
}

const laneName = (lane: string) => (isWord(`lane.${lane}`) ? t(`lane.${lane}` as never) : lane);

export function EdgePanel({ detail, series }: { detail: EdgeDetail; series: Series | null }) {
  const { window, source, target } = detail;
  const seconds = window.covered_s;
  const errors = detail.requests ? detail.errors / detail.requests : null;
  const perSecond = total(series, "requests")?.map((value) => (value === null ? null : value / (series?.step_s ?? 1)));
  return (
    <>
      <header>
        <h2>
          <button type="button" class="plain link" onClick={() => select(nodePick(source))}>
            {nameOf(source)}
          </button>{" "}
          <span aria-hidden="true">→</span>{" "}
          <button type="button" class="plain link" onClick={() => select(nodePick(target))}>
            {nameOf(target)}
          </button>
        </h2>
        <p class="muted">
          {t("edge.known_by", { lanes: detail.sources.map(laneName).join(", ") })}
          {detail.first_seen && <> · {t("panel.since", { age: span((window.to - detail.first_seen) / 1000) })} <Time at={detail.first_seen} /></>}
          {Boolean(detail.days) && <> · {t("edge.days", { n: detail.days! })}</>}
          {detail.last_seen && <> · {t("panel.last", { time: clock(detail.last_seen) })}</>}
        </p>
        <p class="actions">
          <button type="button" onClick={() => focusOn(`${source}>${target}`)}>
            <Icon name="focus" /> {t("panel.focus")}
          </button>
        </p>
      </header>
      <Verdict health={detail.health} explanation={detail.explanation} gap={detail.gap_ms} />
      <Expectations subject={{ source, target }} expected={detail.expected} rows={detail.rows} />
      <BigNumbers
        numbers={[
          { label: t("number.rate"), value: rate(detail.requests / Math.max(1, seconds)), values: perSecond },
          { label: t("number.errors"), value: percent(errors), bad: (errors ?? 0) > 0.1, values: total(series, "errors") },
          { label: t("number.p95"), value: ms(p95(detail)), values: worst(series, "client_p95_ms") ?? worst(series, "server_p95_ms") },
          { label: t("side.gap"), value: ms(detail.gap_ms) },
        ]}
      />
      <Tabs tabs={["traffic", "network"]}>
        {(tab) => {
          if (tab === "network") return <NetworkTab network={detail.network} series={series} />;
          return (
            <>
              <Sides whole={detail} gap={detail.gap_ms} />
              {detail.client_errors > 0 && <p class="muted">{t("edge.client_errors", { n: count(detail.client_errors) })}</p>}
              <Protocols protocols={detail.protocols} seconds={seconds} />
              <Ports detail={detail} />
              {series && <TrafficCharts series={series} />}
              <Traces exemplars={detail.exemplars} />
            </>
          );
        }}
      </Tabs>
    </>
  );
}
