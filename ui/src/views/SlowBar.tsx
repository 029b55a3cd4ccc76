// A thin bar at the top for answers that take more than 300 ms.
import { useEffect, useState } from "preact/hooks";

import { t } from "../text/words";

export function SlowBar({ loading }: { loading: boolean }) {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!loading) {
      setSlow(false);
      return;
    }
    const timer = setTimeout(() => setSlow(true), 300);
    return () => clearTimeout(timer);
  }, [loading]);
  return slow ? <div class="slow" role="progressbar" aria-label={t("page.loading")} /> : null;
}
