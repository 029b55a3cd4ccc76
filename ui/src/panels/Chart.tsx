// A chart over time. All charts of a panel share one crosshair.
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { scheme } from "../state/scheme";
import { showRange } from "../state/time";
import { clock, timeOfDay } from "../text/numbers";
import { t } from "../text/words";

export interface Line {
  label: string;
  values: (number | null)[];
  /** Which token colours it: `--line-<tone>`. */
  tone: "one" | "two" | "three" | "four" | "bad";
}

interface ChartProps {
  title: string;
  times: number[];
  lines: Line[];
  format: (value: number | null) => string;
  /** Shade between the first two lines. */
  gap?: boolean;
}

const HEIGHT = 120;
const crosshair = uPlot.sync("panel");

function token(element: Element, name: string): string {
  return getComputedStyle(element).getPropertyValue(name).trim();
}

function options(host: HTMLElement, { lines, format, gap }: ChartProps): uPlot.Options {
  const muted = token(host, "--muted");
  const grid = { stroke: token(host, "--border"), width: 1 };
  const axis = { stroke: muted, grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  return {
    width: host.clientWidth || 380,
    height: HEIGHT,
    cursor: { sync: { key: crosshair.key }, points: { size: 5 }, drag: { x: true, y: false, setScale: false } },
    legend: { live: true },
    scales: { x: { time: true }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 0) > 0 ? high * 1.1 : 1] } },
    axes: [
      { ...axis, space: 70, size: 24, values: (_, ticks) => ticks.map((seconds) => timeOfDay(seconds * 1000)) },
      { ...axis, size: 64, space: 28, values: (_, ticks) => ticks.map((tick) => format(tick)) },
    ],
    series: [
      { label: t("chart.time"), value: (_, seconds) => (seconds === null ? "–" : clock(seconds * 1000)) },
      ...lines.map((line): uPlot.Series => ({
        label: line.label,
        stroke: token(host, `--line-${line.tone}`),
        width: 1.5,
        spanGaps: false,
        points: { show: false },
        value: (_, value) => format(value),
      })),
    ],
    ...(gap ? { bands: [{ series: [1, 2] as [number, number], fill: token(host, "--gap") }] } : {}),
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          showRange(plot.posToVal(left, "x") * 1000, plot.posToVal(left + width, "x") * 1000);
        },
      ],
    },
  };
}

/** The newest value that there is. */
function last(values: (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}

export function Chart(props: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const { title, times, lines, format } = props;
  const colours = scheme.value;
  useEffect(() => {
    const element = host.current!;
    const plot = new uPlot(options(element, props), [times.map((time) => time / 1000), ...lines.map(({ values }) => values)], element);
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [times, lines, colours]);
  const summary = lines.map((line) => `${line.label} ${format(last(line.values))}`).join(", ");
  return (
    <figure class="chart">
      <figcaption>{title}</figcaption>
      <div ref={host} role="img" aria-label={`${title}: ${summary}`} />
    </figure>
  );
}

/** A line without axes, as wide as its place. */
export function Sparkline({ values, label }: { values: (number | null)[]; label: string }) {
  const most = Math.max(1e-9, ...values.map((value) => value ?? 0));
  const points = values.map((value, index) => [(index / Math.max(1, values.length - 1)) * 100, value === null ? null : 22 - (value / most) * 20] as const);
  let path = "";
  let pen = false;
  for (const [x, y] of points) {
    if (y === null) pen = false;
    else {
      path += `${pen ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
      pen = true;
    }
  }
  return (
    <svg class="spark" viewBox="0 0 100 24" preserveAspectRatio="none" role="img" aria-label={label}>
      <path d={path} />
    </svg>
  );
}
