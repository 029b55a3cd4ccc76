// What the baseline says of this, and the three things one may say back. Each writes a patch; the file is the truth.
import { useState } from "preact/hooks";

import type { EdgeDetail, Ends } from "../api/details";
import type { Expectation } from "../api/types";
import { allow, except, forbid } from "../baseline/patch";
import { save } from "../baseline/save";
import { Icon } from "../map/icons";
import { address } from "../state/address";
import { t } from "../text/words";

interface ExpectationsProps {
  subject: { node: string } | Ends;
  expected: Expectation | null | undefined;
  rows?: EdgeDetail["rows"];
}

const inAMonth = () => new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);

function Exception({ ends }: { ends: Ends }) {
  const [until, setUntil] = useState(inAMonth());
  const [owner, setOwner] = useState("");
  const [reason, setReason] = useState("");
  const ready = until !== "" && owner.trim() !== "" && reason.trim() !== "";
  return (
    <form
      class="exception"
      onSubmit={(event) => {
        event.preventDefault();
        if (ready) save("exception.yaml", except(ends, { until, owner: owner.trim(), reason: reason.trim() }));
      }}
    >
      <label>
        {t("baseline.until")}
        <input type="date" required value={until} onInput={(event) => setUntil(event.currentTarget.value)} />
      </label>
      <label>
        {t("baseline.owner")}
        <input type="text" required value={owner} onInput={(event) => setOwner(event.currentTarget.value)} />
      </label>
      <label>
        {t("baseline.reason")}
        <input type="text" required value={reason} onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <button type="submit" class="main" disabled={!ready}>
        <Icon name="download" /> {t("baseline.write")}
      </button>
    </form>
  );
}

export function Expectations({ subject, expected, rows = [] }: ExpectationsProps) {
  const [asking, setAsking] = useState(false);
  const judged = expected !== null && expected !== undefined;
  if (!judged && address.value.mode !== "baseline") return null;
  const word = expected ?? "pending";
  return (
    <section class={`expectation is-${word}`} aria-label={t("baseline.label")}>
      <p>
        <b>{t(`expected.${word}`)}</b> {t(`expected.${word}.words`)}
      </p>
      {"source" in subject && (
        <>
          <p class="actions">
            <button type="button" onClick={() => save("expected.yaml", allow(subject, rows))}>
              <Icon name="check" /> {t("baseline.expect")}
            </button>
            <button type="button" aria-expanded={asking} onClick={() => setAsking(!asking)}>
              <Icon name="lock" /> {t("baseline.except")}
            </button>
            <button type="button" onClick={() => save("forbid.yaml", forbid(subject))}>
              <Icon name="close" /> {t("baseline.forbid")}
            </button>
          </p>
          {asking && <Exception ends={subject} />}
          <p class="muted">{t("baseline.patch_hint")}</p>
        </>
      )}
    </section>
  );
}
