// Everything that is not needed at every glance.
import { Icon, type IconName } from "../map/icons";
import { address, go, type Address } from "../state/address";
import { t, type Word } from "../text/words";
import { ExportLinks } from "./ExportLinks";
import { openHelp } from "./Help";
import { Popover } from "./Popover";

interface ItemProps {
  icon: IconName;
  word: Word;
  on?: boolean;
  press: () => void;
}

function Item({ icon, word, on, press }: ItemProps) {
  return (
    <li>
      <button type="button" class="plain" aria-pressed={on} onClick={press}>
        <Icon name={icon} /> {t(word)}
      </button>
    </li>
  );
}

function Choice<K extends "theme" | "lang">({ key_, label, options }: { key_: K; label: Word; options: [Address[K], Word][] }) {
  return (
    <label class="choice">
      {t(label)}
      <select value={address.value[key_]} onChange={(event) => go({ [key_]: event.currentTarget.value } as Partial<Address>)}>
        {options.map(([value, word]) => (
          <option key={value} value={value}>
            {t(word)}
          </option>
        ))}
      </select>
    </label>
  );
}

export async function copyLink(): Promise<void> {
  await navigator.clipboard?.writeText(location.href);
}

export function Menu() {
  const { show, mode, view, compare, path } = address.value;
  return (
    <Popover label={t("menu.label")} face={<Icon name="menu" />} kind="end">
      {(close) => {
        const and = (change: Partial<Address>) => () => {
          go(change);
          close();
        };
        return (
          <>
            <ul class="choices">
              <Item icon="map" word="show.map" on={show === "map"} press={and({ show: "map" })} />
              <Item icon="table" word="show.table" on={show === "table"} press={and({ show: "table" })} />
              <Item icon="stack" word="show.stack" on={show === "stack"} press={and({ show: "stack" })} />
            </ul>
            <ul class="choices">
              <Item icon="shield" word="mode.baseline" on={mode === "baseline"} press={and({ mode: mode === "baseline" ? "health" : "baseline" })} />
              <Item icon="compare" word="menu.compare" on={compare !== ""} press={and({ compare: compare ? "" : "-1d" })} />
              <Item icon="path" word="menu.path" on={path !== ""} press={and({ path: path ? "" : ">" })} />
              <Item icon="namespace" word="view.namespace" on={view === "namespace"} press={and({ view: view === "namespace" ? "workload" : "namespace", open: [], shut: [], focus: [], pick: "", at: "" })} />
              <Item icon="host" word="view.host" on={view === "host"} press={and({ view: view === "host" ? "workload" : "host", open: [], shut: [], focus: [], pick: "", at: "" })} />
            </ul>
            <ul class="choices">
              <Item icon="link" word="menu.copy_link" press={() => void copyLink().then(close)} />
              <Item icon="help" word="menu.help" press={() => { close(); openHelp(); }} />
            </ul>
            <ExportLinks />
            <Choice key_="theme" label="menu.theme" options={[["auto", "theme.auto"], ["light", "theme.light"], ["dark", "theme.dark"]]} />
            <Choice key_="lang" label="menu.language" options={[["", "lang.auto"], ["en", "lang.en"], ["zh", "lang.zh"]]} />
          </>
        );
      }}
    </Popover>
  );
}
