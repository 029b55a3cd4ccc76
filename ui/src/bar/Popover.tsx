// A button that opens a box below itself. Esc and a click elsewhere close it; focus returns to the button.
import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface PopoverProps {
  label: string;
  face: ComponentChildren;
  kind?: string;
  children: (close: () => void) => ComponentChildren;
}

export function Popover({ label, face, kind = "", children }: PopoverProps) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  useLayoutEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLElement>(".popover button, .popover input, .popover a")?.focus();
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
    };
    const box = root.current!;
    addEventListener("pointerdown", outside);
    box.addEventListener("keydown", escape);
    return () => {
      removeEventListener("pointerdown", outside);
      box.removeEventListener("keydown", escape);
    };
  }, [open]);
  return (
    <div class={`pop ${kind}`} ref={root}>
      <button type="button" ref={button} aria-haspopup="dialog" aria-expanded={open} aria-label={label} title={label} onClick={() => setOpen(!open)}>
        {face}
      </button>
      {open && (
        <div class="popover" role="dialog" aria-label={label}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
