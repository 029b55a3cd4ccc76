import assert from "node:assert/strict";
import test from "node:test";

import { allow, end, except, forbid } from "../../src/baseline/patch";

const ends = { source: "prod/shop/Deployment/price", target: "prod//Redis/cache.example%3A6379" };

test("an expected edge becomes an allow line with the ports that were seen", () => {
  const patch = allow(ends, [
    { protocol: "redis", port: 6379, transport: "tcp" },
    { protocol: "unspecified", port: 6379, transport: "tcp" },
  ]);

  assert.match(patch, /^apiVersion: topology\/v1alpha1\nkind: TopologyBaseline\n/);
  assert.match(patch, /from: \{ ns: shop, kind: Deployment, name: price \}/);
  assert.match(patch, /to: \{ external: \{ type: Redis, name: "cache\.example:6379" \} \}/);
  assert.match(patch, /ports: \[\{ port: 6379, transport: tcp, protocols: \[redis\] \}\]\n {6}state: allow/);
});

test("what the evidence lacks stands in no line", () => {
  assert.doesNotMatch(allow(ends, [{ protocol: "http", port: null, transport: "unspecified" }]), /ports/);
});

test("an exception has an end, an owner and a reason", () => {
  const patch = except(ends, { until: "2027-01-31", owner: "team-pay", reason: 'back-fill: "CHG-1"' });

  assert.match(patch, /until: 2027-01-31T00:00:00Z\n {6}owner: team-pay\n {6}reason: "back-fill: \\"CHG-1\\""/);
});

test("a forbidden edge is a line of its own", () => {
  assert.match(forbid(ends), /state: forbid\n$/);
});

test("a hostile name stays one scalar", () => {
  const id = `prod/${encodeURIComponent("no")}/Deployment/${encodeURIComponent("x }, state: allow\n- y: #")}`;

  assert.equal(end(id), '{ ns: "no", kind: Deployment, name: "x }, state: allow\\n- y: #" }');
});
