import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { admissionOf } from "../../../../agent/host/warden/admission.ts";
import type { World } from "../../../fixtures/workspace.ts";
import { Rig, theWorld, worldOfForeignKey } from "./rig.ts";

let honest: World;
let foreign: World;
let host: Rig | undefined;
beforeAll(async () => {
  honest = await theWorld();
  foreign = await worldOfForeignKey();
});
afterEach(async () => {
  expect(host?.faults ?? []).toEqual([]);
  await host?.close();
  host = undefined;
});

const noted = (rig: Rig): number => rig.logged.filter((line) => line["event"] === "admitted_with_foreign_key").length;

describe("this host in the trust log", () => {
  it("is admitted by an entry with both of its keys, and by no other", async () => {
    host = await Rig.open();
    const { keys } = host.context;
    expect(admissionOf(undefined, keys)).toBe("none");
    expect(admissionOf(honest.state, keys)).toBe("admitted");
    expect(admissionOf(foreign.state, keys)).toBe("foreign-key");
    expect(admissionOf({ ...honest.state, hosts: new Map() }, keys)).toBe("none");
  });

  it("with a cosignature key that is not its own stays out of service, and says so once", async () => {
    host = await Rig.open({ world: foreign });
    await host.welcome();
    expect(host.warden.admission()).toBe("foreign-key");
    expect(noted(host)).toBe(1);
    expect(await host.prepare()).toMatchObject({ kind: "refused", code: "target" });
    const command = await host.seal();
    await host.deliver(command.bytes);
    expect(host.logged.filter((line) => line["code"] === "target").length).toBeGreaterThanOrEqual(2);
    expect(host.gateway.restarts).toBe(0);
    await host.welcome();
    expect(noted(host)).toBe(1);
  });

  it("says so again at the next start", async () => {
    host = await Rig.open({ world: foreign });
    await host.welcome();
    host = await host.reopen();
    expect(host.warden.admission()).toBe("foreign-key");
    expect(noted(host)).toBe(1);
  });

  it("says nothing of the kind when it was admitted with its own", async () => {
    host = await Rig.open();
    await host.welcome();
    expect(host.warden.admission()).toBe("admitted");
    expect(noted(host)).toBe(0);
  });
});
