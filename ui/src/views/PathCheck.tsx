// Does A reach B? What was seen between them says so.
import { useState } from "preact/hooks";

import { get, url } from "../api/client";
import type { Check, PathVerdict } from "../api/details";
import { Icon, Shape } from "../map/icons";
import { nameOf } from "../map/words";
import { address, go } from "../state/address";
import { graph, windowQuery } from "../state/answers";
import { openFor } from "../state/groups";
import { edgePick, parsePick } from "../state/pick";
import { resource } from "../state/resource";
import { count } from "../text/numbers";
import { t } from "../text/words";

const ends = (): [string, string] => {
  const [a = "", b = ""] = address.value.path.split(">");
  return [a, b];
};

const check = resource<Check>(
  () => {
    const [a, b] = ends();
    return a && b ? url("/api/v1/path", { a, b, view: address.value.view, ...windowQuery() }) : null;
  },
  (asked, abort) => get<Check>(asked, abort),
);

const LEVEL: Record<PathVerdict, "ok" | "red" | "yellow" | "unknown"> = {
  ok: "ok",
  failing: "red",
  refused: "red",
  timed_out: "red",
  unreachable: "red",
  never_tried: "unknown",
};

function Answer({ data }: { data: Check }) {
  return (
    <>
      <p class="answer">
        <Shape level={LEVEL[data.verdict]} /> <b>{t(`path.${data.verdict}`)}</b> {t(`path.${data.verdict}.words`)}
      </p>
      <ol class="hops">
        {data.hops.map((hop) => (
          <li key={`${hop.source}>${hop.target}`}>
            <Shape level={LEVEL[hop.verdict]} />{" "}
            <button type="button" class="plain link" onClick={() => go({ pick: edgePick(hop.source, hop.target), panel: true, ...openFor([hop.source, hop.target]) })}>
              {nameOf(hop.source)} → {nameOf(hop.target)}
            </button>{" "}
            <span class="muted">
              {t("path.numbers", { requests: count(hop.requests), errors: count(hop.errors), refused: count(hop.refused), timed_out: count(hop.timed_out) })}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

/** Names that can be typed: those on the map. */
function Known() {
  return (
    <datalist id="known-nodes">
      {(graph.value.data?.nodes ?? []).slice(0, 1000).map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </datalist>
  );
}

export function PathCheck() {
  const [first, second] = ends();
  const picked = parsePick(address.value.pick);
  const [a, setA] = useState(first || (picked?.is === "node" ? picked.id : ""));
  const [b, setB] = useState(second);
  const { data, failure } = check.value;
  const field = (label: string, value: string, set: (value: string) => void) => (
    <label>
      {label} <input type="text" list="known-nodes" spellcheck={false} value={value} onInput={(event) => set(event.currentTarget.value)} />
    </label>
  );
  return (
    <section class="path-check" aria-label={t("menu.path")}>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          if (a.trim() && b.trim()) go({ path: `${a.trim()}>${b.trim()}` });
        }}
      >
        {field(t("path.from"), a, setA)}
        {field(t("path.to"), b, setB)}
        <Known />
        <button type="submit" class="main" disabled={!a.trim() || !b.trim()}>
          {t("path.check")}
        </button>
        <button type="button" class="square" aria-label={t("path.close")} title={t("path.close")} onClick={() => go({ path: "" })}>
          <Icon name="close" />
        </button>
      </form>
      {failure ? <p class="wrong">{failure.detail}</p> : data && first && second ? <Answer data={data} /> : <p class="muted">{t("path.hint")}</p>}
    </section>
  );
}
