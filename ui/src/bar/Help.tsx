// The keys, on `?`.
import { signal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";

import { t, type Word } from "../text/words";

const open = signal(false);
export const openHelp = (): void => {
  open.value = true;
};

export const KEYS: readonly (readonly [string, Word])[] = [
  ["/", "keys.search"],
  ["\\", "keys.filter"],
  ["g", "keys.map"],
  ["t", "keys.table"],
  ["s", "keys.stack"],
  ["b", "keys.baseline"],
  ["u", "keys.unexpected"],
  ["← → ↑ ↓", "keys.arrows"],
  ["Enter", "keys.enter"],
  ["Space", "keys.space"],
  ["f", "keys.focus"],
  ["Esc", "keys.escape"],
  ["[ ]", "keys.step"],
  ["p", "keys.pause"],
  ["+ − 0", "keys.zoom"],
  ["l", "keys.list"],
  ["?", "keys.help"],
];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    if (open.value) dialog.current?.showModal();
  }, [open.value]);
  if (!open.value) return null;
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => (open.value = false)}>
      <h2 id="help-title">{t("help.title")}</h2>
      <dl>
        {KEYS.map(([keys, word]) => (
          <div key={keys}>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{t(word)}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button class="main">{t("help.close")}</button>
      </form>
    </dialog>
  );
}
