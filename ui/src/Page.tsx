// The regions of the page.
import { TopBar } from "./bar/TopBar";
import { Help } from "./bar/Help";
import { Center } from "./views/Center";
import { Details } from "./panels/Details";
import { Rail } from "./panels/Rail";
import { TimeStrip } from "./bar/TimeStrip";
import { address } from "./state/address";
import { graph } from "./state/answers";
import { Announcer } from "./views/Announcer";
import { SlowBar } from "./views/SlowBar";

export function Page() {
  const { rail, panel, pick } = address.value;
  const details = panel && pick !== "";
  return (
    <div class={`page${rail ? " with-rail" : ""}${details ? " with-panel" : ""}`}>
      <SlowBar loading={graph.value.loading} />
      <TopBar />
      <Rail />
      <Center />
      {details && <Details />}
      <TimeStrip />
      <Help />
      <Announcer />
    </div>
  );
}
