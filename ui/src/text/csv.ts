// Comma-separated values that no spreadsheet mistakes for formulas.

type Cell = string | number | null;

function cell(value: Cell): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const harmless = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

export const csv = (head: string[], rows: Cell[][]): string => [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
