import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url, utf8 } from "../../../../protocol/bytes.ts";
import { preparedCodec, type Prepared } from "../../../../protocol/messages.ts";
import { encodeContent, sealInfo } from "../../../../protocol/seal.ts";
import { agentDraft } from "../../../../protocol/operations/agents.ts";
import { sha256Of } from "../../../../protocol/signing.ts";
import { CHALLENGE_SECONDS } from "../../../../protocol/limits.ts";
import { sealTo } from "../../../../web/client/seal.ts";
import type { CommandDraft } from "../../../fixtures/command.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { NOW } from "../../../fixtures/workspace.ts";
import { Rig } from "./rig.ts";

const OPERATION = "agent.create@1";
const AGENT = { name: "helper", files: [{ name: "SOUL.md", content: "Line one.\nLine two: \u202e a secret.\n" }] };
const BYTES = encodeContent(agentDraft, AGENT);

let rig: Rig;
let counter = 0;
beforeEach(async () => {
  rig = await Rig.open();
  await rig.welcome();
});
afterEach(() => rig.close());

interface Sealing {
  readonly bytes?: Uint8Array;
  readonly info?: Partial<Parameters<typeof sealInfo>[0]>;
  readonly sealKey?: string | undefined;
  readonly bend?: (draft: CommandDraft) => void;
}

/** A command whose content was sealed for this answer, or for something else. */
async function commandFor(prepared: Prepared, { bytes = BYTES, info, sealKey, bend }: Sealing = {}) {
  const { workspace, host, challenge, now, trustHead } = prepared;
  const place = sealInfo({ workspace, host, operation: OPERATION, challenge, ...info });
  const ciphertext = await sealTo(fromBase64url(sealKey ?? prepared.sealKey ?? ""), place, bytes);
  return rig.seal((draft) => {
    const id = nonceOf(`sealed intent ${String((counter += 1))}`);
    Object.assign(draft.intent, { operation: OPERATION, args: {}, trustHead, id });
    const digest = toBase64url(sha256Of(ciphertext));
    Object.assign(draft.target, { challenge, iat: now, expect: {}, sealed: [{ path: "content", digest }] });
    draft.sealed = [toBase64url(ciphertext)];
    bend?.(draft);
  });
}
const prepare = (): Promise<Prepared> => rig.prepared({ operation: OPERATION });

async function outcomeOf(prepared: Prepared, sealing?: Sealing): Promise<string> {
  await rig.deliver((await commandFor(prepared, sealing)).bytes);
  const { verdict, code } = rig.lastReceipt();
  return code === undefined ? verdict : `${verdict} ${code}`;
}

describe("content for one host", () => {
  it("is opened by it, and given to what acts, exactly as it was written", async () => {
    expect(await outcomeOf(await prepare())).toBe("executed");
    expect(rig.gateway.performed).toMatchObject([{ operation: OPERATION, args: {}, content: AGENT }]);
    expect(JSON.stringify([rig.sent, rig.logged])).not.toContain("secret");
  });

  it("has a key in the host's answer; nothing else has one", async () => {
    const { sealKey } = await prepare();
    expect(sealKey).toMatch(/^[\w-]{43}$/);
    expect((await rig.prepared()).sealKey).toBeUndefined();
  });

  it("has another key each time, and the same one for the same question", async () => {
    const jti = nonceOf("one question");
    const asked = async (): Promise<Prepared> => {
      const frame = await rig.prepare({ operation: OPERATION, jti });
      if (frame.kind !== "prepared") throw new Error(frame.kind);
      return preparedCodec.decode(fromBase64url(frame.signed.body));
    };
    const [first, again] = [await asked(), await asked()];
    expect(again.sealKey).toBe(first.sealKey);
    expect((await prepare()).sealKey).not.toBe(first.sealKey);
  });
});

describe("what is sealed for another place", () => {
  it.each([
    ["workspace", { workspace: nonceOf("another workspace") }],
    ["host", { host: "h-elsewhere" }],
    ["operation", { operation: "agent.edit@1" }],
    ["challenge", { challenge: nonceOf("another challenge") }],
  ] as const)("(%s) does not open here, and does nothing", async (_, info) => {
    expect(await outcomeOf(await prepare(), { info })).toBe("refused sealed");
    expect(rig.gateway.performed).toEqual([]);
  });

  it("(the key of another challenge) does not open, and the honest command still runs", async () => {
    const [mine, other] = [await prepare(), await prepare()];
    expect(await outcomeOf(mine, { sealKey: other.sealKey })).toBe("refused sealed");
    expect(await outcomeOf(mine)).toBe("executed");
    expect(rig.gateway.performed).toHaveLength(1);
  });

  it("(a ciphertext that was changed, or cut to nothing) does not open", async () => {
    for (const rewrite of [(text: string) => `${text.slice(0, -4)}AAAA`, () => toBase64url(new Uint8Array(3))]) {
      const outcome = await outcomeOf(await prepare(), {
        bend: (draft) => {
          draft.sealed = draft.sealed.map(rewrite);
          const digest = toBase64url(sha256Of(fromBase64url(draft.sealed[0] ?? "")));
          draft.target["sealed"] = [{ path: "content", digest }];
        },
      });
      expect(outcome).toBe("refused sealed");
    }
    expect(rig.gateway.performed).toEqual([]);
  });

  it("(its operation takes something else) is refused, whatever opened", async () => {
    const others = ["{}", "nonsense", JSON.stringify({ ...AGENT, foreign: 1 }), ` ${JSON.stringify(AGENT)}`];
    for (const bytes of others.map(utf8)) expect(await outcomeOf(await prepare(), { bytes })).toBe("refused malformed");
    expect(rig.gateway.performed).toEqual([]);
  });
});

describe("the key", () => {
  it("goes with its challenge: spent, run out, or of an earlier process", async () => {
    const prepared = await prepare();
    const { challenge } = prepared;
    expect(rig.context.challenges.sealKeyOf(challenge)?.publicKey).toBe(prepared.sealKey);
    await outcomeOf(prepared);
    expect(rig.context.challenges.sealKeyOf(challenge)).toBeUndefined();
    const late = await prepare();
    rig.clock.advance(CHALLENGE_SECONDS + 1);
    expect(rig.context.challenges.sealKeyOf(late.challenge)).toBeUndefined();
    const lost = await prepare();
    rig = await rig.reopen();
    expect(rig.context.challenges.sealKeyOf(lost.challenge)).toBeUndefined();
  });

  it("can be exported by nobody", async () => {
    const { challenge } = await prepare();
    const key = rig.context.challenges.sealKeyOf(challenge);
    expect(Object.keys(key ?? {}).toSorted()).toEqual(["open", "publicKey"]);
  });
});

describe("the configuration that an intent pins", () => {
  it("is in the host's answer where the operation pins it, and nowhere else", async () => {
    const configHash = nonceOf("configuration");
    rig.gateway.configHash = () => Promise.resolve(configHash);
    expect((await rig.prepared({ operation: "config.rollback@1" })).facts.configHash).toBe(configHash);
    expect((await rig.prepared()).facts.configHash).toBeUndefined();
    rig.gateway.configHash = () => Promise.resolve("text of the gateway");
    expect((await rig.prepared({ operation: "config.rollback@1" })).facts.configHash).toBeUndefined();
    expect(rig.clock.wall()).toBeGreaterThan(NOW);
  });
});
