// What is shown, as files: the server writes them.
import { url } from "../api/client";
import { address } from "../state/address";
import { foldingQuery, windowQuery } from "../state/answers";
import { t } from "../text/words";

const FORMATS = ["json", "yaml", "svg", "dot", "mermaid", "csv"] as const;

export function ExportLinks() {
  const { view, filter } = address.value;
  return (
    <p class="exports">
      {t("menu.export")}{" "}
      {FORMATS.map((format) => (
        <a key={format} download={`map.${format === "mermaid" ? "mmd" : format}`} href={url("/api/v1/graph", { view, filter, ...windowQuery(), ...foldingQuery(), layout: format === "svg" ? "layered" : "", format })}>
          {format}
        </a>
      ))}
    </p>
  );
}
