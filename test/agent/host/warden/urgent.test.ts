/** A stop or a kill on a busy host: it goes first, is judged by when it came in, and ends what the running one waits for. */
import { describe, expect, it } from "vitest";
import { toBase64url } from "../../../../protocol/bytes.ts";
import { MAX_QUEUE_SECONDS } from "../../../../protocol/limits.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import type { SealedCommand } from "../../../fixtures/command.ts";
import { until, type Rig } from "./rig.ts";
import { useRigs } from "./rigs.ts";

const { rig } = useRigs();

interface Gate {
  readonly open: () => void;
  readonly passed: Promise<void>;
}

function gate(): Gate {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}

/** `name`: makes this intent another than the one before. */
async function commandOf(host: Rig, operation: string, name: string): Promise<SealedCommand> {
  const { challenge, now, trustHead } = await host.prepared({ operation });
  return host.seal((draft) => {
    draft.intent = { ...draft.intent, operation, trustHead, id: nonceOf(name) };
    draft.target = { ...draft.target, challenge, iat: now, expect: {} };
  });
}

/** A host in the middle of a restart that ends when the gate opens. */
async function busy(): Promise<{ readonly host: Rig; readonly gate: Gate; readonly restart: SealedCommand }> {
  const host = await rig();
  const restarting = gate();
  host.gateway.onRestart = () => restarting.passed;
  const restart = await host.command();
  await send(host, restart, 1);
  await until(() => host.gateway.restarts === 1);
  return { host, gate: restarting, restart };
}

function send(host: Rig, { bytes }: SealedCommand, number: number): Promise<void> {
  return host.receive({ kind: "deliver", number, envelope: toBase64url(bytes) });
}

describe("a kill on a busy host", () => {
  it("ends what the running command waits for, and runs before what came earlier", async () => {
    const { host, gate: restarting, restart } = await busy();
    const start = await commandOf(host, "gateway.start@1", "start");
    const kill = await commandOf(host, "gateway.kill@1", "kill");
    await send(host, start, 2);
    expect(host.gateway.hurries).toBe(0);
    await send(host, kill, 3);
    expect(host.gateway.hurries).toBe(1);
    restarting.open();
    await until(() => host.receipts().length === 3);
    expect(host.receipts().map(({ intent }) => intent)).toEqual([restart.digest, kill.digest, start.digest]);
    expect(host.gateway.performed.map(({ operation }) => operation)).toEqual(["gateway.kill@1", "gateway.start@1"]);
  });

  it("is carried out although the wait made it old: it came in in time", async () => {
    const { host, gate: restarting } = await busy();
    const kill = await commandOf(host, "gateway.kill@1", "kill");
    await send(host, kill, 2);
    host.clock.advance(MAX_QUEUE_SECONDS - 10);
    restarting.open();
    await until(() => host.receipts().length === 2);
    expect(host.lastReceipt()).toMatchObject({ intent: kill.digest, verdict: "executed" });
  });

  it("is refused when it was old already when it came in, and when it stood there for too long", async () => {
    const { host, gate: restarting } = await busy();
    const late = await commandOf(host, "gateway.kill@1", "late");
    const patient = await commandOf(host, "gateway.kill@1", "patient");
    await send(host, patient, 2);
    host.clock.advance(70);
    await send(host, late, 3);
    // The newest of its challenges lives for five minutes: what refuses here is the wait.
    host.clock.advance(MAX_QUEUE_SECONDS);
    restarting.open();
    await until(() => host.receipts().length === 3);
    expect(host.receipts().slice(1)).toMatchObject([
      { intent: late.digest, verdict: "refused", code: "clock" },
      { intent: patient.digest, verdict: "refused", code: "clock" },
    ]);
    expect(host.gateway.performed).toEqual([]);
  });

  it("hurries nobody with bytes that would be refused", async () => {
    const { host, gate: restarting } = await busy();
    const kill = await commandOf(host, "gateway.kill@1", "kill");
    host.clock.advance(120);
    await send(host, kill, 2);
    expect(host.gateway.hurries).toBe(0);
    restarting.open();
    await until(() => host.receipts().length === 2);
    expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code: "clock" });
  });
});
