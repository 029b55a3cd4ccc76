// Holds the shown window against an earlier one.
import type { Comparison as Answer, EdgeChange, Ends } from "../api/details";
import { save } from "../baseline/save";
import { Icon } from "../map/icons";
import { nameOf } from "../map/words";
import { address, go } from "../state/address";
import { comparison, EARLIER } from "../state/compare";
import { openFor } from "../state/groups";
import { edgePick, nodePick } from "../state/pick";
import { relative } from "../state/time";
import { csv } from "../text/csv";
import { clock, ms, percent, rate, span } from "../text/numbers";
import { t } from "../text/words";
import { Grid } from "../panels/Grid";

interface Row {
  key: string;
  sort: "added" | "removed" | "changed";
  pick: string;
  ids: string[];
  name: string;
  words: string;
}

const names = ({ source, target }: Ends) => `${nameOf(source)} → ${nameOf(target)}`;

const share = ({ requests, errors }: { requests: number; errors: number }) => (requests ? percent(errors / requests) : "–");

/** `rate 12/s → 3/s, p95 20 ms → 180 ms`. */
function changeWords({ what, before, after, protocols_added = [], protocols_removed = [], ports_added = [], ports_removed = [] }: EdgeChange): string {
  const lists = [...protocols_added, ...ports_added].map((it) => `+${it}`).concat([...protocols_removed, ...ports_removed].map((it) => `−${it}`));
  const parts = [...lists];
  if (what.includes("rate")) parts.push(t("compare.rate", { before: rate(before.rate), after: rate(after.rate) }));
  if (what.includes("errors")) parts.push(t("compare.errors", { before: share(before), after: share(after) }));
  if (what.includes("latency")) {
    const p95 = (it: typeof before) => ms(it.client?.p95_ms ?? it.server?.p95_ms);
    parts.push(t("compare.latency", { before: p95(before), after: p95(after) }));
  }
  return parts.join(", ");
}

function rowsOf({ nodes, edges }: Answer): Row[] {
  const ofNode = (sort: "added" | "removed") => (id: string): Row => ({ key: `${sort} ${id}`, sort, pick: nodePick(id), ids: [id], name: nameOf(id), words: t("compare.node") });
  const ofEdge = (sort: Row["sort"], words: string, { source, target }: Ends): Row => ({
    key: `${sort} ${source}>${target}`,
    sort,
    pick: edgePick(source, target),
    ids: [source, target],
    name: names({ source, target }),
    words,
  });
  return [
    ...edges.added.map((edge) => ofEdge("added", t("compare.edge"), edge)),
    ...nodes.added.map(ofNode("added")),
    ...edges.removed.map((edge) => ofEdge("removed", t("compare.edge"), edge)),
    ...nodes.removed.map(ofNode("removed")),
    ...(edges.changed ?? []).map((edge) => ofEdge("changed", changeWords(edge), edge)),
  ];
}

const RANK = { added: 2, removed: 1, changed: 0 } as const;
const SIGN = { added: "+", removed: "−", changed: "±" } as const;

function Rows({ data }: { data: Answer }) {
  const rows = rowsOf(data);
  if (data.same || rows.length === 0) return <p>{t("compare.same")}</p>;
  return (
    <>
      <Grid
        label={t("menu.compare")}
        rows={rows}
        name={({ key }) => key}
        open={({ pick, ids }) => go({ pick, panel: true, ...openFor(ids) })}
        fixed={({ sort }) => sort === "removed"}
        most={8}
        columns={[
          { title: t("table.name"), rank: ({ name }) => name, cell: ({ name }) => name },
          { title: t("compare.what"), rank: ({ sort }) => RANK[sort], cell: ({ sort }) => <span class="nowrap"><b>{SIGN[sort]}</b> {t(`compare.${sort}`)}</span> },
          { title: t("compare.how"), rank: ({ words }) => words, cell: ({ words }) => words },
        ]}
      />
      <button type="button" onClick={() => save("comparison.csv", csv(["what", "subject", "how"], rows.map(({ sort, pick, words }) => [sort, pick.slice(2), words])), "text/csv")}>
        <Icon name="download" /> {t("rail.export")}
      </button>
    </>
  );
}

export function Comparison() {
  const { data, failure } = comparison.value;
  const { compare } = address.value;
  return (
    <section class="comparison" aria-label={t("menu.compare")}>
      <p class="row">
        <label>
          {t("compare.with")}{" "}
          <select value={compare} onChange={(event) => go({ compare: event.currentTarget.value })}>
            {EARLIER.map((back) => (
              <option key={back} value={back}>
                {back === "previous" ? t("compare.previous") : t("compare.earlier", { length: span(relative(back)) })}
              </option>
            ))}
          </select>
        </label>
        {data && (
          <span class="muted">
            {clock(data.before.from)} – {clock(data.before.to)} → {clock(data.after.from)} – {clock(data.after.to)}
          </span>
        )}
        <button type="button" class="square" aria-label={t("compare.close")} title={t("compare.close")} onClick={() => go({ compare: "" })}>
          <Icon name="close" />
        </button>
      </p>
      {failure ? <p class="wrong">{failure.detail}</p> : data ? <Rows data={data} /> : <p class="muted">{t("page.loading")}</p>}
    </section>
  );
}
