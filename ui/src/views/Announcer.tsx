// Tells screen readers where the keyboard stands on the map and what came in.
import { cursor } from "../map/cursor";
import { nodeSentence, groupCounts } from "../map/cards";
import { current } from "../map/look";
import { edgeSentence } from "../map/words";
import { graph } from "../state/answers";
import { parsePick } from "../state/pick";

function sentence(at: string, seconds: number): string {
  const pick = parsePick(at);
  const scene = current.scene;
  if (!pick || !scene) return "";
  if (pick.is === "edge") {
    const drawn = scene.edges.find(({ key }) => at === `e:${key}`);
    return drawn ? edgeSentence(drawn.edge, seconds) : "";
  }
  const place = scene.places.get(pick.id);
  if (!place) return "";
  return "group" in place ? `${place.group.label}, ${groupCounts(place.group)}` : nodeSentence(place.node, seconds);
}

export function Announcer() {
  const seconds = graph.value.data?.window.covered_s ?? 1;
  return (
    <div class="unseen" role="status" aria-live="polite">
      {sentence(cursor.value, seconds)}
    </div>
  );
}
