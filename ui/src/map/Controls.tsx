// Zoom, fit, fold and unfold, and what the lines mean.
import { useState } from "preact/hooks";

import { address } from "../state/address";
import { opensAll } from "../state/answers";
import { closeAll, openAll } from "../state/groups";
import { t } from "../text/words";
import { Icon, MARKS, Shape, type IconName } from "./icons";
import { fitAll, zoomBy } from "./look";

function Control({ icon, label, press }: { icon: IconName; label: string; press: () => void }) {
  return (
    <button type="button" class="square" aria-label={label} title={label} onClick={press}>
      <Icon name={icon} />
    </button>
  );
}

/** The buttons in the corner of the map. */
export function Controls() {
  const [legend, setLegend] = useState(false);
  const all = opensAll() && address.value.shut.length === 0;
  return (
    <div class="controls">
      {legend && <Legend />}
      <div class="row" role="group" aria-label={t("map.controls")}>
        <Control icon="minus" label={t("map.zoom_out")} press={() => zoomBy(1 / 1.4)} />
        <Control icon="plus" label={t("map.zoom_in")} press={() => zoomBy(1.4)} />
        <Control icon="fit" label={t("map.fit")} press={fitAll} />
        <button type="button" onClick={() => (all ? closeAll() : openAll())}>
          {t(all ? "map.collapse_all" : "map.expand_all")}
        </button>
        <button type="button" aria-expanded={legend} onClick={() => setLegend(!legend)}>
          {t("map.legend")}
        </button>
      </div>
    </div>
  );
}

function Line({ kind }: { kind: string }) {
  return (
    <svg class={`edge sample is-${kind}`} viewBox="0 0 36 12" width="36" height="12" aria-hidden="true">
      <path class="line" d="M0 6H36" stroke-width={kind === "forbidden" ? 5 : 2} />
      {kind === "forbidden" && <path class="core" d="M0 6H36" stroke-width="2" />}
      {kind in MARKS && <path class="mark" d={MARKS[kind as keyof typeof MARKS]} transform="translate(12 0)" />}
    </svg>
  );
}

function Legend() {
  return (
    <div class="legend" role="region" aria-label={t("map.legend")}>
      <ul>
        {(["red", "yellow", "unknown"] as const).map((level) => (
          <li key={level}>
            <Shape level={level} /> {t(`legend.${level}`)}
          </li>
        ))}
      </ul>
      <ul>
        {(["expected", "unexpected", "missing", "forbidden", "excepted"] as const).map((kind) => (
          <li key={kind}>
            <Line kind={kind} /> {t(`expected.${kind}`)}
          </li>
        ))}
      </ul>
      <p>{t("legend.width")}</p>
    </div>
  );
}
