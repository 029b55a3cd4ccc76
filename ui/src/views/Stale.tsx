// Says when what is shown is old, cut, or thin.
import { useEffect, useState } from "preact/hooks";

import { graph } from "../state/answers";
import { folded, OPEN_MOST } from "../state/groups";
import { follows } from "../state/live";
import { count, span } from "../text/numbers";
import { isWord, t } from "../text/words";

const OLD_S = 45;

/** Sentences about what the answer lacks. */
function warnings(now: number): string[] {
  const { data, failure, at } = graph.value;
  if (!data) return [];
  const said: string[] = [];
  const age = (now - at) / 1000;
  if (failure) said.push(t("stale.failed", { age: span(age) }));
  else if (follows() && age > OLD_S) said.push(t("stale.old", { age: span(age) }));
  if (folded.value > 0) said.push(t("map.folded", { n: count(folded.value), most: count(OPEN_MOST) }));
  if (!data.complete) {
    const reasons = Object.entries(data.dropped).filter(([, n]) => n > 0);
    const words = reasons.map(([reason, n]) => (isWord(`dropped.${reason}`) ? t(`dropped.${reason}` as never, { n: count(n) }) : `${reason}: ${count(n)}`));
    said.push(t("stale.incomplete", { what: words.join(", ") || "–" }));
  }
  return said;
}

export function Stale() {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 5000);
    return () => clearInterval(timer);
  }, []);
  const said = warnings(now);
  if (said.length === 0) return null;
  return (
    <div class="stale" role="status">
      {said.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
    </div>
  );
}
