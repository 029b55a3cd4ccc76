export function PathCheck() { return null; }
