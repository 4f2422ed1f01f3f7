/** When a warden may end, and what the next process knows of the one before: nothing that anybody counts on is lost. */
import { describe, expect, it } from "vitest";
import { toBase64url } from "../../../../protocol/bytes.ts";
import { CHALLENGE_SECONDS, READ_MEMORY_SECONDS } from "../../../../protocol/limits.ts";
import { assertedCodec } from "../../../../protocol/messages.ts";
import { CERT_FINGERPRINT, TUNNEL } from "../../../fixtures/command.ts";
import { askAs } from "./asking.ts";
import { until, type Rig } from "./rig.ts";
import { useRigs } from "./rigs.ts";

const { rig, replace } = useRigs();

describe("a warden", () => {
  it("rests when nothing is under way, welcomed or not", async () => {
    const host = await rig();
    expect(host.warden.isResting()).toBe(true);
    host.connect();
    expect(host.warden.isResting()).toBe(true);
  });

  it("does not while a challenge lives", async () => {
    const host = await rig();
    await host.prepared();
    expect(host.warden.isResting()).toBe(false);
    host.clock.advance(CHALLENGE_SECONDS);
    expect(host.warden.isResting()).toBe(true);
  });

  it("does not while a command runs, nor until its receipt is proven to be in the log", async () => {
    const host = await rig();
    const command = await host.command();
    const { promise: over, resolve } = Promise.withResolvers<void>();
    let isRunning = false;
    host.gateway.onRestart = () => {
      isRunning = true;
      return over;
    };
    await host.receive({ kind: "deliver", number: 1, envelope: toBase64url(command.bytes) });
    await until(() => isRunning);
    expect(host.warden.isResting()).toBe(false);
    resolve();
    await host.idle();
    expect(host.lastReceipt().verdict).toBe("executed");
    expect(host.warden.isResting()).toBe(false);
    const { record } = host.context.witnessFile;
    host.context.witnessFile.replace(0, { ...record, provenTo: 1 });
    expect(host.warden.isResting()).toBe(true);
  });

  it("does not while a question must not be answered again", async () => {
    const host = await rig();
    const { submission } = await host.seal();
    const { read, digest } = await askAs(host.world, { session: "A".repeat(43) });
    const session = toBase64url(assertedCodec.encode(submission.session));
    await host.receive({ kind: "read", read, session });
    await until(() => host.sent.some((frame) => frame.kind === "refused" && frame.subject === digest));
    expect(host.warden.isResting()).toBe(false);
    host.clock.advance(READ_MEMORY_SECONDS);
    await until(() => host.warden.isResting());
  });

  it("does not while somebody may read content", async () => {
    const host = await rig();
    host.context.grants.grant({ session: "A".repeat(43), kinds: ["logs"], seconds: 60, only: undefined });
    expect(host.warden.isResting()).toBe(false);
    host.clock.advance(61);
    expect(host.warden.isResting()).toBe(true);
  });
});

describe("the next process", () => {
  const following = async (host: Rig): Promise<Rig> => {
    const next = await host.reopen();
    replace(next);
    return next;
  };

  it("goes on with the tunnel that was welcomed, and with the number that was finished last", async () => {
    const host = await rig();
    const command = await host.command();
    await host.deliver(command.bytes, 7);
    const left = host.warden.leave() ?? expect.fail("nothing left");
    expect(left).toEqual({ tunnel: TUNNEL, certFingerprint: CERT_FINGERPRINT, lastAck: 7 });
    const next = await following(host);
    const before = next.sent.length;
    next.tunnel = next.warden.resume((frame) => next.sent.push(frame), left);
    expect(next.tunnel.isWelcomed()).toBe(true);
    expect(next.sent).toHaveLength(before); // all that was to be said was said
    const again = await next.command();
    await next.deliver(again.bytes, 8);
    expect(next.lastReceipt()).toMatchObject({ verdict: "executed", number: 2 });
    expect(next.warden.leave()?.lastAck).toBe(8);
  });

  it("obeys no challenge of the one before", async () => {
    const host = await rig();
    const command = await host.command();
    const left = host.warden.leave() ?? expect.fail("nothing left");
    const next = await following(host);
    next.tunnel = next.warden.resume((frame) => next.sent.push(frame), left);
    await next.deliver(command.bytes);
    expect(next.gateway.restarts).toBe(0);
  });

  it("finds nothing where no tunnel was welcomed", async () => {
    const host = await rig();
    host.connect();
    expect(host.warden.leave()).toBeUndefined();
  });
});
