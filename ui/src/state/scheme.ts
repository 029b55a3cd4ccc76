// Light or dark. Style sheets know by themselves; what is painted on a canvas has to be painted anew.
import { computed, signal } from "@preact/signals";

import { address } from "./address";

const system = matchMedia("(prefers-color-scheme: dark)");
const prefersDark = signal(system.matches);
system.addEventListener("change", () => {
  prefersDark.value = system.matches;
});

/** What the address asks for, else what the system prefers. */
export const scheme = computed(() => (address.value.theme === "auto" ? (prefersDark.value ? "dark" : "light") : address.value.theme));
