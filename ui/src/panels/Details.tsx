// The right panel: everything about what is selected.
import { computed } from "@preact/signals";

import { get, url } from "../api/client";
import type { EdgeDetail, NodeDetail, Series } from "../api/details";
import { address, go } from "../state/address";
import { windowQuery } from "../state/answers";
import { parsePick } from "../state/pick";
import { resource } from "../state/resource";
import { Icon } from "../map/icons";
import { t } from "../text/words";
import { Failed, Notice } from "../views/Notice";
import { EdgePanel } from "./EdgePanel";
import { GroupPanel } from "./GroupPanel";
import { NodePanel } from "./NodePanel";

const picked = computed(() => (address.value.panel ? parsePick(address.value.pick) : null));

/** Edges of groups are sums, which the graph already has: there is nothing more to ask. */
const isGroup = (id: string) => /^(ns|ext|cluster):/.test(id);

const subject = computed(() => {
  const pick = picked.value;
  if (pick?.is === "node") return { node: pick.id };
  return pick?.is === "edge" && !isGroup(pick.source) && !isGroup(pick.target) ? { source: pick.source, target: pick.target } : null;
});

const node = resource<NodeDetail>(
  () => {
    const pick = picked.value;
    return pick?.is === "node" ? url(`/api/v1/nodes/${encodeURIComponent(pick.id)}`, { view: address.value.view, ...windowQuery() }) : null;
  },
  (asked, abort) => get<NodeDetail>(asked, abort),
);

const edge = resource<EdgeDetail>(
  () => {
    const about = subject.value;
    return about && "source" in about ? url("/api/v1/edges", { ...about, view: address.value.view, ...windowQuery() }) : null;
  },
  (asked, abort) => get<EdgeDetail>(asked, abort),
);

const series = resource<Series>(
  () => (subject.value ? url("/api/v1/series", { ...subject.value, view: address.value.view, ...windowQuery() }) : null),
  (asked, abort) => get<Series>(asked, abort),
);

function Body() {
  const pick = picked.value;
  if (!pick) return null;
  if (pick.is === "group" || (pick.is === "edge" && !subject.value)) return <GroupPanel pick={pick} />;
  const over = series.value.data;
  if (pick.is === "node") {
    const { data, failure } = node.value;
    if (data?.id === pick.id) return <NodePanel detail={data} series={over} />;
    return failure ? <Failed failure={failure} /> : <Notice title={t("page.loading")} />;
  }
  const { data, failure } = edge.value;
  if (data?.source === pick.source && data.target === pick.target) return <EdgePanel detail={data} series={over} />;
  return failure ? <Failed failure={failure} /> : <Notice title={t("page.loading")} />;
}

export function Details() {
  return (
    <aside class="panel" aria-label={t("panel.label")}>
      <button type="button" class="square close" aria-label={t("panel.close")} title={t("panel.close")} onClick={() => go({ pick: "" })}>
        <Icon name="close" />
      </button>
      <Body />
    </aside>
  );
}
