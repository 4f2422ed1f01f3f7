/** Killed after any call, the next run ends where an undisturbed one does, with nothing twice. */
import { spawn } from "node:child_process";
import path from "node:path";
import { afterAll, describe, it, expect } from "vitest";
import type { FakeCloudflare, Fault } from "../../fixtures/cloudflare/fake.ts";
import { killBundle as bundle, Rig } from "./rig.ts";

const rigs: Rig[] = [];
function makeRig(): Rig {
  const rig = new Rig();
  rig.fake.state.settings.set("tls_1_3", "off");
  rigs.push(rig);
  return rig;
}
afterAll(() => {
  for (const rig of rigs) rig.remove();
});

const whole = makeRig();
await whole.deploy([], { bundle });
const wanted = whole.fake.state.shape();
const writeCalls = whole.fake.calls.flatMap(({ write }, index) => (write ? [index] : []));

/** After call `last` the process is gone: it hears no answer, or hears it and does nothing more. */
function killedAt(fake: FakeCloudflare, last: number, isAnswerHeard: boolean): typeof fetch {
  return async (input, init) => {
    const at = fake.calls.length;
    if (at > last) throw new TypeError("gone");
    const answer = await fake.fetch(input as string, init);
    if (at === last && !isAnswerHeard) throw new TypeError("gone");
    return answer;
  };
}

async function expectWhole(rig: Rig): Promise<void> {
  const next = await rig.deploy([], { bundle });
  expect(next.err).toBe("");
  expect(rig.fake.state.shape()).toBe(wanted);
  expect(rig.fake.strange).toEqual([]);
}

describe("a deployment that is killed", () => {
  it("has enough calls for this to mean something", () => {
    expect(writeCalls.length).toBeGreaterThan(18);
  });

  for (const call of writeCalls) {
    const { operation } = whole.fake.calls[call] ?? { operation: "" };
    it(`converges when killed during and after call ${call} (${operation})`, async () => {
      // Only these are followed by something that is kept on this machine.
      const isKept = ["serviceTokenCreate", "scriptUpload"].includes(operation);
      for (const isAnswerHeard of isKept ? [false, true] : [false]) {
        const rig = makeRig();
        const cut = await rig.deploy([], { bundle, fetch: killedAt(rig.fake, call, isAnswerHeard) });
        expect(cut.code).not.toBe(0);
        await expectWhole(rig);
      }
    });
  }

  it("converges when it is killed after each call in turn, and gets no further each time than one write", async () => {
    const rig = makeRig();
    for (let run = 0; run < writeCalls.length + 1 && rig.fake.state.shape() !== wanted; run += 1) {
      let isGone = false;
      await rig.deploy([], {
        bundle,
        fetch: async (input, init) => {
          if (isGone) throw new TypeError("gone");
          const at = rig.fake.calls.length;
          const answer = await rig.fake.fetch(input as string, init);
          isGone = rig.fake.calls[at]?.write === true;
          return answer;
        },
      });
    }
    await expectWhole(rig);
    expect((await rig.deploy([], { bundle })).writes).toEqual([]);
  });

  const faults: readonly Fault[] = ["500-before", "500-after", "409", "cut-before"];
  for (const fault of faults) {
    it(`converges after ${fault} at any write`, async () => {
      for (const call of writeCalls.filter((_, index) => index % 4 === faults.indexOf(fault))) {
        const rig = makeRig();
        rig.fake.faults.set(call, fault);
        expect((await rig.deploy([], { bundle })).code).not.toBe(0);
        await expectWhole(rig);
      }
    });
  }

  it("waits and sends again what Cloudflare says it did not take (429)", async () => {
    const rig = makeRig();
    for (const [index, call] of writeCalls.entries()) rig.fake.faults.set(call + index, "429");
    const ran = await rig.deploy([], { bundle });
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(rig.fake.state.shape()).toBe(wanted);
  });
});

describe("a deployment whose process is killed for real", () => {
  it.each([0.1, 0.5, 0.7, 1].map((part) => writeCalls[Math.ceil(part * writeCalls.length) - 1] ?? 0))(
    "converges after SIGKILL at call %i",
    async (call) => {
      const rig = makeRig();
      const server = await rig.fake.listen();
      const child = spawn(process.execPath, [path.join(import.meta.dirname, "kill-child.ts"), rig.configPath], {
        stdio: ["ignore", "pipe", "inherit"],
        env: { CLOUDFLARE_API_BASE_URL: server.url },
      });
      rig.fake.onCall = (count) => {
        if (count === call) child.kill("SIGKILL");
      };
      const signal = await new Promise((resolve) => child.on("exit", (_, by) => resolve(by)));
      expect(signal).toBe("SIGKILL");
      rig.fake.onCall = () => undefined;
      await server.close();
      await expectWhole(rig);
    },
  );
});
