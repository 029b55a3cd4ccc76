// The middle of the page: the map, the table or the stacked view, or a sentence that says why there is none.
import { GraphMap } from "../map/Map";
import { address } from "../state/address";
import { tooMany } from "../state/groups";
import { graph, mapIdentity } from "../state/answers";
import { t } from "../text/words";
import { FocusBar } from "./FocusBar";
import { Empty, Failed, Notice } from "./Notice";
import { Stale } from "./Stale";
import { Table } from "./Table";
import { Stack } from "./Stack";
import { Comparison } from "./Comparison";
import { PathCheck } from "./PathCheck";

function Shown() {
  const { data, failure, question } = graph.value;
  if (failure && (!data || failure.kind === "refused")) return <Failed failure={failure} />;
  if (!data || tooMany(data.nodes.length)) return <Notice title={t("page.loading")} />;
  if (data.nodes.length === 0 && data.groups.length === 0) return <Empty />;
  const { show } = address.value;
  if (show === "table") return <Table graph={data} />;
  if (show === "stack") return <Stack />;
  return <GraphMap graph={data} question={mapIdentity.value} asked={question} />;
}

export function Center() {
  const { compare, path } = address.value;
  return (
    <main class="center">
      <FocusBar />
      {compare && <Comparison />}
      {path && <PathCheck />}
      <Stale />
      <Shown />
    </main>
  );
}
