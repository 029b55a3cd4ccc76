// What is selected, as it stands in the address: `n:<node>`, `g:<group>`, `e:<source>><target>`. Ids are
// percent-encoded by their makers, so `>` never stands inside one.
import { address, go } from "./address";

export type Pick =
  | { is: "node"; id: string }
  | { is: "group"; id: string }
  | { is: "edge"; source: string; target: string };

export function parsePick(text: string): Pick | null {
  const rest = text.slice(2);
  if (text.startsWith("n:")) return { is: "node", id: rest };
  if (text.startsWith("g:")) return { is: "group", id: rest };
  const [source, target] = rest.split(">");
  return text.startsWith("e:") && source && target ? { is: "edge", source, target } : null;
}

export const nodePick = (id: string) => `n:${id}`;
export const groupPick = (id: string) => `g:${id}`;
export const edgePick = (source: string, target: string) => `e:${source}>${target}`;

/** Selects and shows the panel. */
export function select(pick: string): void {
  go({ pick, panel: true });
}

/** Narrows the map to a node or an edge (`source>target`), one step further. */
export function focusOn(subject: string): void {
  const { focus } = address.value;
  if (focus.at(-1) !== subject) go({ focus: [...focus, subject], shut: [], at: "" });
}

/** Goes one step of focus back. */
export function unfocus(): void {
  go({ focus: address.value.focus.slice(0, -1), shut: [], at: "" });
}
