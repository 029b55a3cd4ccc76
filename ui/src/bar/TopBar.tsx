// The bar at the top: which view, what to search and filter, which time, and everything else in the menu.
import { address, go, type ViewName } from "../state/address";
import { quoted, toggle } from "../filter/language";
import { graph } from "../state/answers";
import { Icon } from "../map/icons";
import { t } from "../text/words";
import { FilterBox } from "./FilterBox";
import { Menu } from "./Menu";
import { SearchBox } from "./SearchBox";
import { TimeRange } from "./TimeRange";

const VIEWS: ViewName[] = ["service", "workload"];
const MORE: ViewName[] = ["namespace", "host"];

function ViewSwitch() {
  const { view } = address.value;
  const shown = MORE.includes(view) ? [...VIEWS, view] : VIEWS;
  return (
    <div class="seg" role="radiogroup" aria-label={t("view.label")}>
      {shown.map((name) => (
        <button type="button" key={name} role="radio" aria-checked={view === name} onClick={() => go({ view: name, open: [], shut: [], focus: [], pick: "", at: "" })}>
          {t(`view.${name}`)}
        </button>
      ))}
    </div>
  );
}

/** Clusters in the answer, by the first segment of ids. */
function clusters(): string[] {
  const names = new Set<string>();
  for (const { id } of graph.value.data?.nodes ?? []) names.add(id.split("/")[0] ?? "");
  for (const { id } of graph.value.data?.groups ?? []) if (id.startsWith("ns:")) names.add(id.slice(3).split("/")[0] ?? "");
  names.delete("");
  return [...names].map(decodeURIComponent).sort();
}

function ClusterName() {
  const names = clusters();
  const { filter } = address.value;
  if (names.length === 0) return null;
  if (names.length === 1) return <span class="cluster">{names[0]}</span>;
  return (
    <select class="cluster" aria-label={t("bar.cluster")} value="" onChange={(event) => {
      const name = event.currentTarget.value;
      if (name) go({ filter: toggle(filter, `cluster = ${quoted(name)}`), at: "" });
    }}>
      <option value="">{t("bar.clusters", { n: names.length })}</option>
      {names.map((name) => <option key={name}>{name}</option>)}
    </select>
  );
}

export function TopBar() {
  const { rail } = address.value;
  return (
    <header class="bar">
      <button type="button" class="square" aria-label={t("rail.toggle")} title={t("rail.toggle")} aria-expanded={rail} onClick={() => go({ rail: !rail })}>
        <Icon name="menu" />
      </button>
      <h1>
        <svg class="brand" viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
          <path d="M3 12c4-5 8-5 13 0s9 5 13 0M3 21c4-5 8-5 13 0s9 5 13 0" />
        </svg>
        {t("app.title")}
      </h1>
      <ClusterName />
      <ViewSwitch />
      <SearchBox />
      <FilterBox />
      <TimeRange />
      <Menu />
    </header>
  );
}
