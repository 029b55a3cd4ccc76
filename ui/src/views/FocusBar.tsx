// What the map is narrowed to, the way back, and how far around it looks.
import { nameOf } from "../map/words";
import { Icon } from "../map/icons";
import { address, go, type Direction } from "../state/address";
import { unfocus } from "../state/pick";
import { t } from "../text/words";

const label = (subject: string) => subject.split(">").map(nameOf).join(" → ");

export function FocusBar() {
  const { focus, depth, dir } = address.value;
  if (focus.length === 0) return null;
  return (
    <nav class="focus-bar" aria-label={t("focus.label")}>
      <button type="button" class="square" aria-label={t("focus.back")} title={t("focus.back")} onClick={unfocus}>
        <Icon name="left" />
      </button>
      <ol>
        <li>
          <button type="button" class="plain" onClick={() => go({ focus: [], at: "" })}>
            {t("focus.all")}
          </button>
        </li>
        {focus.map((subject, index) => (
          <li key={subject}>
            <button
              type="button"
              class="plain"
              aria-current={index === focus.length - 1 ? "page" : undefined}
              onClick={() => go({ focus: focus.slice(0, index + 1), at: "" })}
            >
              {label(subject)}
            </button>
          </li>
        ))}
      </ol>
      <span class="seg" role="group" aria-label={t("focus.direction")}>
        {(["up", "both", "down"] as Direction[]).map((way) => (
          <button type="button" key={way} aria-pressed={dir === way} onClick={() => go({ dir: way, at: "" })}>
            {t(`focus.${way}`)}
          </button>
        ))}
      </span>
      <span class="stepper">
        <button type="button" class="square" aria-label={t("focus.less")} disabled={depth <= 1} onClick={() => go({ depth: depth - 1, at: "" })}>
          <Icon name="minus" />
        </button>
        <span aria-live="polite">{t("focus.depth", { n: depth })}</span>
        <button type="button" class="square" aria-label={t("focus.more")} disabled={depth >= 9} onClick={() => go({ depth: depth + 1, at: "" })}>
          <Icon name="plus" />
        </button>
      </span>
      <button type="button" onClick={() => go({ show: address.value.show === "stack" ? "map" : "stack" })} aria-pressed={address.value.show === "stack"}>
        <Icon name="stack" /> {t("show.stack")}
      </button>
    </nav>
  );
}
