// What hovering says, beside the pointer.
import { useEffect, useRef } from "preact/hooks";

import { address } from "../state/address";
import { parsePick } from "../state/pick";
import { groupCounts } from "./cards";
import { hovered } from "./cursor";
import type { Scene } from "./scene";
import { bundleWords, edgeNumbers, nameOf } from "./words";

function sentence(scene: Scene, name: string, seconds: number): [string, string] | null {
  const pick = parsePick(name);
  if (!pick) return null;
  if (pick.is === "edge") {
    const drawn = scene.edges.find(({ key }) => name === `e:${key}`);
    if (!drawn) return null;
    const { edge } = drawn;
    return [`${nameOf(edge.source)} → ${nameOf(edge.target)}`, edge.edges > 1 ? bundleWords(edge) : edgeNumbers(edge, seconds)];
  }
  const place = scene.places.get(pick.id);
  return place && "group" in place ? [place.group.label, groupCounts(place.group)] : null;
}

/** A small box of words that follows the pointer over edges and groups. */
export function Tip({ scene, seconds }: { scene: Scene; seconds: number }) {
  const box = useRef<HTMLDivElement>(null);
  const name = hovered.value;
  const words = name && name !== address.value.pick ? sentence(scene, name, seconds) : null;
  useEffect(() => {
    const follow = (event: PointerEvent) => {
      const tip = box.current;
      const around = tip?.parentElement?.getBoundingClientRect();
      if (!tip || !around) return;
      const x = Math.min(event.clientX - around.left + 14, around.width - tip.offsetWidth - 4);
      const y = Math.min(event.clientY - around.top + 14, around.height - tip.offsetHeight - 4);
      tip.style.transform = `translate(${x}px, ${y}px)`;
    };
    addEventListener("pointermove", follow);
    return () => removeEventListener("pointermove", follow);
  }, []);
  return (
    <div ref={box} class={`tip${words ? " shown" : ""}`} aria-hidden="true">
      <b>{words?.[0]}</b> <span>{words?.[1]}</span>
    </div>
  );
}
