// The share of abnormal nodes over the window: drag to select a stretch, step through it, play it.
import { useEffect, useRef, useState } from "preact/hooks";

import type { History } from "../api/types";
import { Icon } from "../map/icons";
import { history } from "../state/answers";
import { range, showRange, step } from "../state/time";
import { clock, percent } from "../text/numbers";
import { t } from "../text/words";

/** How long one step of playing is shown. */
const PLAY_MS = 1_000;

function Bars({ data }: { data: History }) {
  const steps = data.nodes.length;
  const bar = (values: number[], below: number[] | null, kind: string) =>
    values.map((value, at) => {
      const all = Math.max(1, data.nodes[at]!);
      const height = (value / all) * 32;
      if (height === 0) return null;
      const base = below ? (below[at]! / all) * 32 : 0;
      return <rect key={`${kind}${at}`} class={kind} x={at} y={32 - base - height} width={0.86} height={height} />;
    });
  return (
    <svg viewBox={`0 0 ${Math.max(1, steps)} 32`} preserveAspectRatio="none" aria-hidden="true">
      {data.nodes.map((nodes, at) => (nodes > 0 ? <rect key={at} class="seen" x={at} y={31} width={0.86} height={1} /> : null))}
      {bar(data.red, null, "red")}
      {bar(data.yellow, data.red, "yellow")}
    </svg>
  );
}

function summary(data: History | null): string {
  if (!data || data.nodes.length === 0) return t("strip.none");
  const shares = data.nodes.map((nodes, at) => (nodes ? (data.red[at]! + data.yellow[at]!) / nodes : 0));
  return t("strip.words", { most: percent(Math.max(...shares)), now: percent(shares.at(-1) ?? 0) });
}

/** Steps on by itself while it is on. */
function usePlay(on: boolean, stop: () => void) {
  useEffect(() => {
    if (!on) return;
    const timer = setInterval(() => {
      const window = range();
      if (window.to >= Date.now() - 1000) stop();
      else step(1);
    }, PLAY_MS);
    return () => clearInterval(timer);
  }, [on]);
}

export function TimeStrip() {
  const data = history.value.data;
  const track = useRef<HTMLDivElement>(null);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const [playing, setPlaying] = useState(false);
  usePlay(playing, () => setPlaying(false));
  const start = data?.from ?? range().from;
  const end = data ? data.from + data.step_s * 1000 * data.nodes.length : range().to;
  const shareAt = (event: PointerEvent) => {
    const box = track.current!.getBoundingClientRect();
    return Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
  };
  const timeAt = (share: number) => start + (end - start) * share;
  const finish = () => {
    if (drag && Math.abs(drag.to - drag.from) > 0.01) showRange(timeAt(Math.min(drag.from, drag.to)), timeAt(Math.max(drag.from, drag.to)));
    setDrag(null);
  };
  return (
    <footer class="strip" aria-label={t("strip.label")}>
      <span class="row" role="group" aria-label={t("strip.controls")}>
        <button type="button" class="square" aria-label={t("time.earlier")} title={`${t("time.earlier")} [`} onClick={() => step(-1)}>
          <Icon name="left" />
        </button>
        <button
          type="button"
          class="square"
          aria-label={t(playing ? "strip.stop" : "strip.play")}
          title={t(playing ? "strip.stop" : "strip.play")}
          aria-pressed={playing}
          onClick={() => {
            if (!playing && range().to >= Date.now() - 1000) {
              const window = range();
              const length = (window.to - window.from) / 12;
              showRange(window.from, window.from + length);
            }
            setPlaying(!playing);
          }}
        >
          <Icon name={playing ? "pause" : "play"} />
        </button>
        <button type="button" class="square" aria-label={t("time.later")} title={`${t("time.later")} ]`} onClick={() => step(1)}>
          <Icon name="right" />
        </button>
      </span>
      <time>{clock(start)}</time>
      <div
        ref={track}
        class="track"
        role="img"
        aria-label={summary(data)}
        title={t("strip.hint")}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          track.current!.setPointerCapture(event.pointerId);
          const at = shareAt(event);
          setDrag({ from: at, to: at });
        }}
        onPointerMove={(event) => drag && setDrag({ ...drag, to: shareAt(event) })}
        onPointerUp={finish}
        onPointerCancel={() => setDrag(null)}
      >
        {data && <Bars data={data} />}
        {drag && <div class="chosen" style={{ left: `${Math.min(drag.from, drag.to) * 100}%`, width: `${Math.abs(drag.to - drag.from) * 100}%` }} />}
      </div>
      <time>{clock(end)}</time>
    </footer>
  );
}
