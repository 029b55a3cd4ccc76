// Starts the page.
import { effect } from "@preact/signals";
import { render } from "preact";

import { Page } from "./Page";
import { bindKeys } from "./keys";
import { address, followHistory } from "./state/address";
import { foldWhenTooMany } from "./state/groups";
import { followStream } from "./state/live";
import { chooseLanguage, t } from "./text/words";
import "./styles/tokens.css";
import "./styles/controls.css";
import "./styles/page.css";
import "./styles/views.css";
import "./styles/map.css";
import "./styles/panel.css";
import "./styles/chart.css";

followHistory();
effect(() => chooseLanguage(address.value.lang));
effect(() => {
  document.documentElement.dataset["theme"] = address.value.theme;
});
effect(() => {
  document.title = t("app.title");
});
followStream();
foldWhenTooMany();
bindKeys();
render(<Page />, document.getElementById("page")!);
