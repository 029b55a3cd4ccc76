// A table that can be sorted by each column, worst first at the start; a row is a link to what it is about.
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";

import { t } from "../text/words";

export interface Column<R> {
  title: string;
  /** What to sort by; bigger is worse. */
  rank: (row: R) => number | string;
  cell: (row: R) => ComponentChildren;
  numeric?: boolean;
}

interface GridProps<R> {
  label: string;
  columns: Column<R>[];
  rows: R[];
  name: (row: R) => string;
  /** What a press on the row does. */
  open?: (row: R) => void;
  /** Rows that cannot be opened. */
  fixed?: (row: R) => boolean;
  /** Most rows at first. */
  most?: number;
}

function compare(a: number | string, b: number | string): number {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}

export function Grid<R>({ label, columns, rows, name, open, fixed, most = 12 }: GridProps<R>) {
  const [by, setBy] = useState<{ column: number; down: boolean } | null>(null);
  const [all, setAll] = useState(false);
  const column = by && columns[by.column];
  const sorted = column ? [...rows].sort((a, b) => compare(column.rank(a), column.rank(b)) * (by.down ? -1 : 1)) : rows;
  const shown = all ? sorted : sorted.slice(0, most);
  const press = (index: number) => setBy({ column: index, down: by?.column === index ? !by.down : columns[index]!.numeric === true });
  if (rows.length === 0) return <p class="muted none">{t("grid.none")}</p>;
  return (
    <div class="grid">
      <table>
        <caption class="unseen">{label}</caption>
        <thead>
          <tr>
            {columns.map((head, index) => (
              <th key={head.title} scope="col" class={head.numeric ? "numeric" : ""} aria-sort={by?.column === index ? (by.down ? "descending" : "ascending") : undefined}>
                <button type="button" class="plain" onClick={() => press(index)}>
                  {head.title}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={name(row)}>
              {columns.map((cell, index) => (
                <td key={cell.title} class={cell.numeric ? "numeric" : ""}>
                  {index === 0 && open && !fixed?.(row) ? (
                    <button type="button" class="plain link" onClick={() => open(row)}>
                      {cell.cell(row)}
                    </button>
                  ) : (
                    cell.cell(row)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {sorted.length > shown.length && (
        <button type="button" onClick={() => setAll(true)}>
          {t("grid.more", { n: sorted.length - shown.length })}
        </button>
      )}
    </div>
  );
}
