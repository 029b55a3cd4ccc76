// A sentence in the middle of the map: what is the matter, and what to do next.
import type { ComponentChildren } from "preact";

import type { Failure } from "../api/client";
import { refresh } from "../state/live";
import { address, go } from "../state/address";
import { t } from "../text/words";

export function Notice({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="notice" role="status">
      <p class="title">{title}</p>
      {children}
    </div>
  );
}

/** Why there is no answer. */
export function Failed({ failure }: { failure: Failure }) {
  return (
    <Notice title={t(`failed.${failure.kind}`)}>
      <p>{failure.kind === "unreachable" ? t("failed.unreachable.next") : failure.detail}</p>
      <p>
        <button type="button" class="main" onClick={refresh}>
          {t("failed.again")}
        </button>
      </p>
    </Notice>
  );
}

/** Why there is nothing to see. */
export function Empty() {
  const { filter, focus, from } = address.value;
  if (filter) {
    return (
      <Notice title={t("empty.filter")}>
        <p>
          <code>{filter}</code>
        </p>
        <p>
          <button type="button" class="main" onClick={() => go({ filter: "" })}>
            {t("filter.clear")}
          </button>
        </p>
      </Notice>
    );
  }
  if (focus.length > 0) {
    return (
      <Notice title={t("empty.focus")}>
        <p>
          <button type="button" class="main" onClick={() => go({ focus: [] })}>
            {t("focus.leave")}
          </button>
        </p>
      </Notice>
    );
  }
  return (
    <Notice title={t("empty.title")}>
      <p>{t("empty.fill")}</p>
      <pre>tidewatch --config config/presets/standalone.yaml</pre>
      <p>{t("empty.otlp")}</p>
      <pre>OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318</pre>
      <p>{t("empty.when")}</p>
      {from !== "-24h" && (
        <p>
          <button type="button" onClick={() => go({ from: "-24h", to: "" })}>
            {t("empty.wider")}
          </button>
        </p>
      )}
    </Notice>
  );
}
