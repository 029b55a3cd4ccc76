// Narrows the whole page by an expression, typed or chosen.
import { useEffect, useRef, useState } from "preact/hooks";

import { between, complete, holds, PRESETS, toggle, UNEXPECTED, wordAt, type Seen } from "../filter/language";
import { Icon } from "../map/icons";
import { nameOf } from "../map/words";
import { address, go } from "../state/address";
import { graph } from "../state/answers";
import { t } from "../text/words";
import { Popover } from "./Popover";

function seen(): Seen {
  const data = graph.value.data;
  const namespaces = new Set<string>();
  const kinds = new Set<string>();
  const protocols = new Set<string>();
  for (const { id } of data?.groups ?? []) if (id.startsWith("ns:")) namespaces.add(nameOf(id));
  for (const node of data?.nodes ?? []) {
    if (node.namespace) namespaces.add(node.namespace);
    kinds.add(node.kind);
  }
  for (const edge of data?.edges ?? []) for (const protocol of Object.keys(edge.protocols)) protocols.add(protocol);
  return { namespaces: [...namespaces].sort(), kinds: [...kinds].sort(), protocols: [...protocols].sort() };
}

const apply = (filter: string) => go({ filter, at: "" });

function TwoNamespaces({ namespaces, close }: { namespaces: string[]; close: () => void }) {
  const [a, setA] = useState(namespaces[0] ?? "");
  const [b, setB] = useState(namespaces[1] ?? "");
  const choice = (value: string, set: (value: string) => void, label: string) => (
    <select aria-label={label} value={value} onChange={(event) => set(event.currentTarget.value)}>
      {namespaces.map((name) => (
        <option key={name}>{name}</option>
      ))}
    </select>
  );
  return (
    <fieldset class="two">
      <legend>{t("filter.two")}</legend>
      {choice(a, setA, t("filter.first"))}
      {choice(b, setB, t("filter.second"))}
      <button
        type="button"
        disabled={namespaces.length < 2 || a === b}
        onClick={() => {
          apply(between(a, b));
          close();
        }}
      >
        {t("filter.show")}
      </button>
    </fieldset>
  );
}

function Presets({ close }: { close: () => void }) {
  const { filter } = address.value;
  const item = (word: "hide_dns" | "hide_probes" | "hide_scrapers" | "unexpected", part: string) => (
    <li key={part}>
      <label>
        <input type="checkbox" checked={holds(filter, part)} onChange={() => apply(toggle(filter, part))} /> {t(`filter.${word}`)}
      </label>
    </li>
  );
  return (
    <>
      <ul class="choices">
        {PRESETS.map(([word, part]) => item(word, part))}
        {item("unexpected", UNEXPECTED)}
      </ul>
      <TwoNamespaces namespaces={seen().namespaces} close={close} />
      {filter && (
        <button
          type="button"
          onClick={() => {
            apply("");
            close();
          }}
        >
          {t("filter.clear")}
        </button>
      )}
    </>
  );
}

export function FilterBox() {
  const { filter } = address.value;
  const [text, setText] = useState(filter);
  const [caret, setCaret] = useState(0);
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => setText(filter), [filter]);

  const options = open ? complete(text, caret, seen()) : [];
  const follow = (element: HTMLInputElement) => {
    setText(element.value);
    setCaret(element.selectionStart ?? element.value.length);
    setChosen(-1);
  };
  const take = (index: number) => {
    const option = options[index];
    if (!option) return;
    const { start } = wordAt(text, caret);
    const typed = option.text.endsWith(":") ? option.text : `${option.text} `;
    const next = text.slice(0, start) + typed + text.slice(caret).replace(/^ /, "");
    setText(next);
    setCaret(start + typed.length);
    setChosen(-1);
    requestAnimationFrame(() => input.current?.setSelectionRange(start + typed.length, start + typed.length));
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown") setChosen(Math.min(options.length - 1, chosen + 1));
    else if (event.key === "ArrowUp") setChosen(Math.max(-1, chosen - 1));
    else if (event.key === "Tab" && chosen >= 0) take(chosen);
    else if (event.key === "Enter") {
      if (chosen >= 0) take(chosen);
      else {
        apply(text.trim());
        setOpen(false);
      }
    } else if (event.key === "Escape") {
      event.stopPropagation();
      setText(filter);
      setOpen(false);
      input.current?.blur();
    } else return;
    event.preventDefault();
  };
  const shown = open && options.length > 0;
  return (
    <div class={`filter${filter ? " set" : ""}`}>
      <Popover label={t("filter.presets")} face={<Icon name="filter" />} kind="flat">
        {(close) => <Presets close={close} />}
      </Popover>
      <input
        ref={input}
        id="filter"
        type="text"
        role="combobox"
        autocomplete="off"
        spellcheck={false}
        aria-label={t("filter.label")}
        aria-expanded={shown}
        aria-controls="completions"
        aria-activedescendant={chosen >= 0 ? `completion${chosen}` : undefined}
        placeholder={t("filter.hint")}
        value={text}
        onInput={(event) => {
          follow(event.currentTarget);
          setOpen(true);
        }}
        onClick={(event) => follow(event.currentTarget)}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      {filter && (
        <button type="button" class="square flat" aria-label={t("filter.clear")} title={t("filter.clear")} onClick={() => apply("")}>
          <Icon name="close" />
        </button>
      )}
      <ul id="completions" role="listbox" aria-label={t("filter.label")} class={shown ? "hits shown" : "hits"}>
        {shown &&
          options.map((option, index) => (
            <li
              key={option.text}
              id={`completion${index}`}
              role="option"
              aria-selected={index === chosen}
              onPointerDown={(event) => {
                event.preventDefault();
                take(index);
              }}
            >
              <b>{option.text}</b> <span class="muted">{option.example}</span>
            </li>
          ))}
      </ul>
    </div>
  );
}
