// Which groups are open.
import { address, go } from "./address";
import { groupsShown } from "./answers";

export const openAll = (): void => go({ open: ["*"] });
export const closeAll = (): void => go({ open: [] });

/** Opens a closed group and closes an open one. */
export function toggleGroup(id: string): void {
  const { open } = address.value;
  const now = open.includes("*") ? groupsShown() : open;
  go({ open: now.includes(id) ? now.filter((other) => other !== id) : [...now, id] });
}
