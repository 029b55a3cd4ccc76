// Which window of time everything on the page is about.
import { useState } from "preact/hooks";

import { Icon } from "../map/icons";
import { address, go } from "../state/address";
import { follows } from "../state/live";
import { moment, PRESETS, range, relative, step, togglePause } from "../state/time";
import { clock, span } from "../text/numbers";
import { t } from "../text/words";
import { Popover } from "./Popover";

function face(): string {
  const { from, to } = address.value;
  const back = relative(from);
  if (back !== null && to === "") return t("time.last", { length: span(back) });
  const window = range();
  return `${clock(window.from)} – ${to === "" ? t("time.now") : clock(window.to)}`;
}

/** `2026-11-24T14:03` in local time, as the input wants it. */
function local(milliseconds: number): string {
  const date = new Date(milliseconds);
  return new Date(milliseconds - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}

function Between({ close }: { close: () => void }) {
  const window = range();
  const [from, setFrom] = useState(local(window.from));
  const [to, setTo] = useState(local(window.to));
  const [start, end] = [moment(from, 0), moment(to, 0)];
  const wrong = start === null || end === null || start >= end;
  return (
    <form
      class="between"
      onSubmit={(event) => {
        event.preventDefault();
        if (wrong) return;
        go({ from: String(Math.round(start / 1000)), to: String(Math.round(end / 1000)) });
        close();
      }}
    >
      <label>
        {t("time.from")}
        <input type="datetime-local" step="1" value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        {t("time.to")}
        <input type="datetime-local" step="1" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      {wrong && <p class="wrong">{t("time.wrong")}</p>}
      <button type="submit" class="main" disabled={wrong}>
        {t("time.apply")}
      </button>
    </form>
  );
}

export function TimeRange() {
  const live = follows();
  return (
    <div class="time">
      <button type="button" class="square" aria-label={t("time.earlier")} title={t("time.earlier")} onClick={() => step(-1)}>
        <Icon name="left" />
      </button>
      <Popover label={t("time.label")} face={<><Icon name="clock" /> <span class="range">{face()}</span></>}>
        {(close) => (
          <>
            <ul class="choices">
              {PRESETS.map((text) => (
                <li key={text}>
                  <button
                    type="button"
                    class="plain"
                    aria-pressed={address.value.from === text && address.value.to === ""}
                    onClick={() => {
                      go({ from: text, to: "", paused: false });
                      close();
                    }}
                  >
                    {t("time.last", { length: span(relative(text)) })}
                  </button>
                </li>
              ))}
            </ul>
            <Between close={close} />
          </>
        )}
      </Popover>
      <button type="button" class="square" aria-label={t("time.later")} title={t("time.later")} disabled={live} onClick={() => step(1)}>
        <Icon name="right" />
      </button>
      <button type="button" class={`live${live ? " on" : ""}`} aria-pressed={live} title={t(live ? "time.pause" : "time.follow")} onClick={togglePause}>
        <Icon name={live ? "pause" : "play"} /> {t(live ? "time.live" : "time.paused")}
      </button>
    </div>
  );
}
