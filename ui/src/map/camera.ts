// Where the map is looked at from. Pan by drag or wheel, zoom around the pointer, pinch with two fingers.
export interface Camera {
  /** World point at the middle of the view. */
  x: number;
  y: number;
  /** Screen pixels per world unit. */
  k: number;
}

export interface Size {
  w: number;
  h: number;
}

export interface Rect extends Size {
  x: number;
  y: number;
}

export const NEAREST = 2.5;
export const FARTHEST = 0.05;
/** Fitting never blows a small graph up. */
const FIT_MOST = 1;
const MARGIN = 32;

const clamp = (k: number) => Math.min(NEAREST, Math.max(FARTHEST, k));

/** Shows all of `rect`. */
export function fit(rect: Rect, view: Size): Camera {
  const wide = (view.w - 2 * MARGIN) / Math.max(1, rect.w);
  const high = (view.h - 2 * MARGIN) / Math.max(1, rect.h);
  return { x: rect.x + rect.w / 2, y: rect.y + rect.h / 2, k: Math.min(FIT_MOST, clamp(Math.min(wide, high))) };
}

/** Moves by screen pixels. */
export const pan = (camera: Camera, dx: number, dy: number): Camera => ({
  ...camera,
  x: camera.x - dx / camera.k,
  y: camera.y - dy / camera.k,
});

/** Zooms by `factor` so that the world point under the screen point (from the middle) stays there. */
export function zoom(camera: Camera, factor: number, px: number, py: number): Camera {
  const k = clamp(camera.k * factor);
  const change = 1 / camera.k - 1 / k;
  return { x: camera.x + px * change, y: camera.y + py * change, k };
}

/** The part of the world that is seen. */
export const seen = (camera: Camera, view: Size): Rect => ({
  x: camera.x - view.w / 2 / camera.k,
  y: camera.y - view.h / 2 / camera.k,
  w: view.w / camera.k,
  h: view.h / camera.k,
});

/** The least pan that brings `rect` into view, above what covers the lowest `covered` pixels. */
export function reveal(camera: Camera, rect: Rect, view: Size, covered: number): Camera {
  const window = seen(camera, view);
  const margin = MARGIN / camera.k;
  const right = window.x + window.w - margin;
  const bottom = window.y + window.h - covered / camera.k - margin;
  const dx = Math.max(0, rect.x + rect.w - right) || Math.min(0, rect.x - window.x - margin);
  const dy = Math.max(0, rect.y + rect.h - bottom) || Math.min(0, rect.y - window.y - margin);
  return { ...camera, x: camera.x + dx, y: camera.y + dy };
}

/** As it stands in the address. */
export const formatCamera = ({ x, y, k }: Camera): string => `${Math.round(x)},${Math.round(y)},${k.toFixed(3)}`;

export function parseCamera(text: string): Camera | null {
  const [x, y, k] = text.split(",").map(Number);
  return [x, y, k].every((n) => n !== undefined && Number.isFinite(n)) ? { x: x!, y: y!, k: clamp(k!) } : null;
}

interface Hands {
  camera(): Camera;
  moved(camera: Camera): void;
  settled(): void;
}

const WHEEL = 0.0016;
/** A press that moves less than this is a click. */
const SLACK = 4;

/** Lets pointers and wheel move the camera. Returns how to let go. */
export function holdCamera(surface: HTMLElement, hands: Hands): () => void {
  const pointers = new Map<number, { x: number; y: number }>();
  let dragged = false;
  let rest: ReturnType<typeof setTimeout> | undefined;

  const fromMiddle = (x: number, y: number) => {
    const box = surface.getBoundingClientRect();
    return [x - box.left - box.width / 2, y - box.top - box.height / 2] as const;
  };
  const settle = () => {
    clearTimeout(rest);
    rest = setTimeout(hands.settled, 150);
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    dragged = false;
  };
  const move = (event: PointerEvent) => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const here = { x: event.clientX, y: event.clientY };
    if (!dragged && Math.hypot(here.x - last.x, here.y - last.y) < SLACK && pointers.size === 1) return;
    if (!dragged) surface.setPointerCapture(event.pointerId);
    dragged = true;
    const other = [...pointers.entries()].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const before = Math.hypot(last.x - other.x, last.y - other.y);
      const after = Math.hypot(here.x - other.x, here.y - other.y);
      hands.moved(zoom(hands.camera(), after / Math.max(1, before), ...fromMiddle((here.x + other.x) / 2, (here.y + other.y) / 2)));
    } else {
      hands.moved(pan(hands.camera(), here.x - last.x, here.y - last.y));
    }
    pointers.set(event.pointerId, here);
    settle();
  };
  const up = (event: PointerEvent) => {
    pointers.delete(event.pointerId);
  };
  const click = (event: MouseEvent) => {
    if (dragged) event.stopPropagation();
    dragged = false;
  };
  const wheel = (event: WheelEvent) => {
    event.preventDefault();
    const [px, py] = fromMiddle(event.clientX, event.clientY);
    const unit = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey) hands.moved(pan(hands.camera(), -(event.deltaX || event.deltaY) * unit, 0));
    else hands.moved(zoom(hands.camera(), Math.exp(-event.deltaY * unit * WHEEL), px, py));
    settle();
  };

  surface.addEventListener("pointerdown", down);
  surface.addEventListener("pointermove", move);
  surface.addEventListener("pointerup", up);
  surface.addEventListener("pointercancel", up);
  surface.addEventListener("click", click, true);
  surface.addEventListener("wheel", wheel, { passive: false });
  return () => {
    clearTimeout(rest);
    surface.removeEventListener("pointerdown", down);
    surface.removeEventListener("pointermove", move);
    surface.removeEventListener("pointerup", up);
    surface.removeEventListener("pointercancel", up);
    surface.removeEventListener("click", click, true);
    surface.removeEventListener("wheel", wheel);
  };
}
