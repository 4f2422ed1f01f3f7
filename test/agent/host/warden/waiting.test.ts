/** Commands that wait behind one that takes long: what becomes of them when the tunnel closes, and how many there may be. */
import { afterEach, describe, expect, it } from "vitest";
import { toBase64url } from "../../../../protocol/bytes.ts";
import { Rig, until } from "./rig.ts";

let host: Rig;
async function open(): Promise<Rig> {
  host = await Rig.open();
  return host;
}

/** A command whose first delivery holds the lane until it is let go. */
async function held(): Promise<{ readonly envelope: string; readonly release: () => void }> {
  await open();
  await host.welcome();
  const command = await host.command();
  let release: (boot: string) => void = () => undefined;
  host.gateway.bootId = () => new Promise((resolve) => (release = resolve));
  return { envelope: toBase64url(command.bytes), release: () => release("boot-0001") };
}

afterEach(async () => {
  expect(host.faults).toEqual([]);
  await host.close();
});

describe("what this host says it has finished", () => {
  it("is what was carried out, and not what waited for a tunnel that closed", async () => {
    const { envelope, release } = await held();
    await host.receive({ kind: "deliver", number: 3, envelope });
    await host.receive({ kind: "deliver", number: 9, envelope });
    await until(() => host.logged.some((line) => line["step"] === "verified"));
    host.connect();
    release();
    await until(() => host.logged.some((line) => line["step"] === "receipted"));
    await new Promise((resolve) => setImmediate(resolve));
    host.tunnel = host.connect();
    expect((await host.challenge()).lastAck).toBe(3);
  });
});

describe("floods", () => {
  it("ends the tunnel when more wait than an honest edge sends", async () => {
    const { envelope, release } = await held();
    const flood = async (): Promise<void> => {
      for (let i = 0; i < 40; i += 1) await host.receive({ kind: "deliver", number: i, envelope });
    };
    await expect(flood()).rejects.toEqual(expect.objectContaining({ name: "TunnelViolation", code: "flood" }));
    await until(() => host.logged.some((line) => line["step"] === "verified"));
    release();
    await until(() => host.receipts().length === 32);
    expect(host.gateway.restarts).toBe(1);
  });
});
