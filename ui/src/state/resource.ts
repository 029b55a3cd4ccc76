// Something asked of the server again whenever its question or the data changes. Old answers stay until new ones come.
import { effect, signal, type ReadonlySignal } from "@preact/signals";

import { Failure } from "../api/client";
import { revision } from "./live";

export interface Resource<T> {
  data: T | null;
  failure: Failure | null;
  loading: boolean;
  /** When the data came, by our clock. */
  at: number;
  /** The question that the data answers. */
  question: string;
}

const EMPTY = { data: null, failure: null, loading: false, at: 0, question: "" } as const;

/** A failure whatever was thrown; `null` for a question that was withdrawn. */
function asFailure(error: unknown): Failure | null {
  if (error instanceof Failure) return error;
  if (error instanceof DOMException && error.name === "AbortError") return null;
  return new Failure("broken", String((error as Error)?.message ?? error));
}

/**
 * Keeps the answer to `question()`; `null` asks nothing. With `live`, asks again when the server says that it knows more.
 */
export function resource<T>(
  question: () => string | null,
  ask: (question: string, abort: AbortSignal) => Promise<T>,
  { live = true } = {},
): ReadonlySignal<Resource<T>> {
  const state = signal<Resource<T>>(EMPTY);
  effect(() => {
    const asked = question();
    if (live) void revision.value;
    if (asked === null) {
      state.value = EMPTY;
      return;
    }
    const controller = new AbortController();
    const before = state.peek();
    const kept = before.question === asked ? before : { ...before, failure: null };
    state.value = { ...kept, loading: true };
    ask(asked, controller.signal).then(
      (data) => {
        if (!controller.signal.aborted) state.value = { data, failure: null, loading: false, at: Date.now(), question: asked };
      },
      (error: unknown) => {
        const failure = asFailure(error);
        if (failure && !controller.signal.aborted) state.value = { ...state.peek(), failure, loading: false };
      },
    );
    return () => controller.abort();
  });
  return state;
}
