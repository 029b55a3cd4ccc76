// Finds a node by name and jumps to it.
import { useEffect, useRef, useState } from "preact/hooks";

import { get, url } from "../api/client";
import type { Hit, Hits } from "../api/types";
import { glyph, Icon, Shape } from "../map/icons";
import { seek } from "../map/look";
import { address, go } from "../state/address";
import { opensAll } from "../state/answers";
import { nodePick } from "../state/pick";
import { t } from "../text/words";

const WAIT_MS = 120;

/** Opens the group of what was found, selects it and lets the map show it. */
function jump(hit: Hit): void {
  const { show, open } = address.value;
  const pick = nodePick(hit.id);
  seek(pick);
  const after = { ...address.value, focus: [] };
  const unfold = hit.group && !opensAll(after) ? [...new Set([...open, hit.group])] : open;
  go({ pick, panel: true, show: show === "stack" ? "map" : show, focus: [], open: unfold, shut: address.value.shut.filter((id) => id !== hit.group) });
}

export function SearchBox() {
  const [text, setText] = useState("");
  const [hits, setHits] = useState<Hit[] | null>(null);
  const [chosen, setChosen] = useState(0);
  const [open, setOpen] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    setHits(null);
    if (text.trim() === "") return;
    const controller = new AbortController();
    const timer = setTimeout(() => {
      get<Hits>(url("/api/v1/search", { q: text.trim(), view: address.value.view }), controller.signal).then(
        (found) => {
          setHits(found.hits);
          setChosen(0);
        },
        () => undefined,
      );
    }, WAIT_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text]);
  const take = (hit: Hit | undefined) => {
    if (!hit) return;
    jump(hit);
    setOpen(false);
    setText("");
    document.getElementById("map")?.focus();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const all = hits?.length ?? 0;
    if (event.key === "ArrowDown") setChosen((chosen + 1) % Math.max(1, all));
    else if (event.key === "ArrowUp") setChosen((chosen + Math.max(1, all) - 1) % Math.max(1, all));
    else if (event.key === "Enter") take(hits?.[chosen]);
    else if (event.key === "Escape") {
      event.stopPropagation();
      setText("");
      input.current?.blur();
    } else return;
    event.preventDefault();
  };
  const shown = open && text.trim() !== "" && hits !== null;
  return (
    <div class="search">
      <Icon name="search" />
      <input
        ref={input}
        id="search"
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        aria-label={t("search.label")}
        aria-expanded={shown}
        aria-controls="hits"
        aria-activedescendant={shown && hits[chosen] ? `hit${chosen}` : undefined}
        placeholder={t("search.hint")}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setOpen(true);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <kbd aria-hidden="true">/</kbd>
      <ul id="hits" role="listbox" aria-label={t("search.label")} class={shown ? "hits shown" : "hits"}>
        {shown &&
          hits.map((hit, index) => (
            <li
              key={hit.id}
              id={`hit${index}`}
              role="option"
              aria-selected={index === chosen}
              onPointerDown={(event) => {
                event.preventDefault();
                take(hit);
              }}
            >
              <Icon name={glyph(hit.kind ?? "")} />
              <b>{hit.name}</b>
              <span class="muted">{[hit.kind, hit.namespace].filter(Boolean).join(" · ")}</span>
              {hit.level && <Shape level={hit.level} />}
            </li>
          ))}
        {shown && hits.length === 0 && <li role="option" aria-selected="false" aria-disabled="true" class="muted">{t("search.none")}</li>}
      </ul>
    </div>
  );
}
