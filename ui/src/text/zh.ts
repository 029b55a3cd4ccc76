import type { en } from "./en";
export const zh = {} as Record<keyof typeof en, string>;
