// The inspection list: what is abnormal and what nobody expected, worst first, exportable.
import { useState } from "preact/hooks";

import type { Finding, GraphEdge, GraphNode, Level } from "../api/types";
import { save } from "../baseline/save";
import { Icon, MARKS, Shape } from "../map/icons";
import { nameOf } from "../map/words";
import { address, go } from "../state/address";
import { abnormal, findings } from "../state/answers";
import { openFor } from "../state/groups";
import { edgePick, nodePick } from "../state/pick";
import { csv } from "../text/csv";
import { t, isWord } from "../text/words";
import { inUnit, ruleName } from "./sentence";

type Sort = "red" | "yellow" | "unexpected";

interface Item {
  sort: Sort;
  level: Level;
  pick: string;
  title: string;
  words: string;
  /** For the export. */
  rule: string;
  value: number | null;
  threshold: number | null;
  subject: string;
}

const RANK: Record<Sort, number> = { red: 0, unexpected: 1, yellow: 2 };

function ofHealth(subject: GraphNode | GraphEdge, pick: string, title: string, id: string): Item[] {
  const { level, reasons = [] } = subject.health;
  if (level !== "red" && level !== "yellow") return [];
  const first = reasons[0];
  const words = first ? `${ruleName(first.rule)} ${inUnit(first.value, first.unit)}` : t(`level.${level}`);
  return [{ sort: level, level, pick, title, words, rule: first?.rule ?? "", value: first?.value ?? null, threshold: first?.threshold ?? null, subject: id }];
}

function ofFinding(finding: Finding): Item {
  const { source, target, node, kind, level } = finding;
  const word = `finding.${kind}`;
  const words = isWord(word) ? t(word) : kind;
  const common = { sort: "unexpected" as const, level, words, rule: kind, value: finding.count ?? null, threshold: null };
  if (source && target) return { ...common, pick: edgePick(source, target), title: `${nameOf(source)} → ${nameOf(target)}`, subject: `${source}>${target}` };
  return { ...common, pick: nodePick(node ?? ""), title: nameOf(node ?? finding.id), subject: node ?? finding.id };
}

/** Everything that wants attention, worst first. */
function items(): Item[] {
  const ill = abnormal.value.data;
  const all = [
    ...(ill?.nodes ?? []).flatMap((node) => ofHealth(node, nodePick(node.id), node.name, node.id)),
    ...(ill?.edges ?? []).flatMap((edge) => ofHealth(edge, edgePick(edge.source, edge.target), `${nameOf(edge.source)} → ${nameOf(edge.target)}`, `${edge.source}>${edge.target}`)),
    ...(findings.value.data ?? []).filter((finding) => finding.state !== "closed").map(ofFinding),
  ];
  return all.sort((a, b) => RANK[a.sort] - RANK[b.sort]);
}

function exportAll(all: Item[]): void {
  const rows = all.map((item) => [item.sort, item.subject, item.rule, item.value, item.threshold]);
  save("findings.csv", csv(["state", "subject", "rule", "value", "threshold"], rows), "text/csv");
}

/** Opens what is needed to see `pick`, and selects it. */
function show(pick: string): void {
  go({ pick, panel: true, ...openFor(pick.slice(2).split(">")) });
}

export function Rail() {
  const [only, setOnly] = useState<Sort | null>(null);
  const all = items();
  const shown = only ? all.filter(({ sort }) => sort === only) : all;
  const most = 200;
  if (!address.value.rail) return null;
  return (
    <aside class="rail" aria-label={t("rail.label")}>
      <h2>{t("rail.label")}</h2>
      <div class="tally" role="group" aria-label={t("rail.only")}>
        {(["red", "yellow", "unexpected"] as const).map((sort) => (
          <button type="button" key={sort} class={sort} aria-pressed={only === sort} onClick={() => setOnly(only === sort ? null : sort)}>
            {sort === "unexpected" ? (
              <svg class="shape red" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">
                <path d={MARKS.unexpected} />
              </svg>
            ) : (
              <Shape level={sort} />
            )}{" "}
            {t(`rail.${sort}`, { n: all.filter((item) => item.sort === sort).length })}
          </button>
        ))}
      </div>
      {shown.length === 0 ? (
        <p class="muted none">{t(abnormal.value.data ? "rail.none" : "page.loading")}</p>
      ) : (
        <ul class="items">
          {shown.slice(0, most).map((item) => (
            <li key={`${item.pick} ${item.rule}`}>
              <button type="button" class="plain" aria-current={address.value.pick === item.pick} onClick={() => show(item.pick)}>
                <Shape level={item.level} />
                <span class="what">{item.title}</span>
                <span class="muted why">{item.words}</span>
              </button>
            </li>
          ))}
          {shown.length > most && <li class="muted">{t("grid.more", { n: shown.length - most })}</li>}
        </ul>
      )}
      <p>
        <button type="button" disabled={all.length === 0} onClick={() => exportAll(all)}>
          <Icon name="download" /> {t("rail.export")}
        </button>
      </p>
    </aside>
  );
}
