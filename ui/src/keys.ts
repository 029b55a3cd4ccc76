// Keys that work everywhere on the page, unless something is being typed.
import { openHelp } from "./bar/Help";
import { toggle, UNEXPECTED } from "./filter/language";
import { cursor } from "./map/cursor";
import { fitAll, zoomBy } from "./map/look";
import { address, go } from "./state/address";
import { focusOn, parsePick, unfocus } from "./state/pick";
import { step, togglePause } from "./state/time";

const typing = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.matches("input, textarea, select") || target.closest("dialog, .popover") !== null);

/** From the innermost thing outwards: the selection, the focus. */
function leave(): void {
  const { pick, focus, path, compare } = address.value;
  if (pick) go({ pick: "" });
  else if (path) go({ path: "" });
  else if (compare) go({ compare: "" });
  else if (focus.length) unfocus();
  else cursor.value = "";
}

function focusPicked(): void {
  const pick = parsePick(address.value.pick);
  if (!pick) return;
  focusOn(pick.is === "edge" ? `${pick.source}>${pick.target}` : pick.id);
}

const ACTIONS: Record<string, () => void> = {
  "/": () => document.getElementById("search")?.focus(),
  "\\": () => document.getElementById("filter")?.focus(),
  "?": openHelp,
  g: () => {
    go({ show: "map" });
    requestAnimationFrame(() => document.getElementById("map")?.focus());
  },
  t: () => {
    go({ show: "table" });
    requestAnimationFrame(() => document.querySelector<HTMLElement>("[role=treegrid] [tabindex='0']")?.focus());
  },
  s: () => go({ show: address.value.show === "stack" ? "map" : "stack" }),
  b: () => go({ mode: address.value.mode === "baseline" ? "health" : "baseline" }),
  u: () => go({ filter: toggle(address.value.filter, UNEXPECTED), at: "" }),
  f: focusPicked,
  l: () => go({ rail: !address.value.rail }),
  p: togglePause,
  "[": () => step(-1),
  "]": () => step(1),
  "+": () => zoomBy(1.4),
  "=": () => zoomBy(1.4),
  "-": () => zoomBy(1 / 1.4),
  "0": fitAll,
  Escape: leave,
};

export function bindKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const action = ACTIONS[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
