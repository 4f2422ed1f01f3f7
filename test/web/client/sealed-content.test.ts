/** What a page seals for one host, opened by a real warden. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fromBase64url, toBase64url, utf8 } from "../../../protocol/bytes.ts";
import { MAX_SEALED_BYTES } from "../../../protocol/limits.ts";
import { intentCodec, type Prepared, type Signed } from "../../../protocol/messages.ts";
import { sha256Of } from "../../../protocol/signing.ts";
import type { CommandDeps } from "../../../web/client/asking.ts";
import { prepareCommand, type CommandOrder } from "../../../web/client/commands.ts";
import { expectOf } from "../../../web/client/intents.ts";
import { sealContent } from "../../../web/client/sealed-content.ts";
import { SessionKeys } from "../../../web/client/session-keys.ts";
import type { Vault } from "../../../web/client/vault.ts";
import { leavesOf, visible } from "../../../web/dialog/sealed-facts.tsx";
import { nonceOf, rawSigner, seedOf } from "../../fixtures/keys.ts";
import { NOW } from "../../fixtures/workspace.ts";
import { Rig } from "../../agent/host/warden/rig.ts";
import { assertedCodec } from "../../../protocol/messages.ts";

const OPERATION = "agent.create@1";
const AGENT = { name: "helper", files: [{ name: "SOUL.md", content: "Line one.\nLine two.\n" }] };

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.open();
  await rig.welcome();
});
afterEach(() => rig.close());

const answered = (prepared: Prepared) => ({ prepared, answeredMs: 0 });

/** A page whose edge carries its questions to the warden, and may change what comes back. */
async function depsOf(bend: (signed: Signed) => Signed = (signed) => signed): Promise<CommandDeps> {
  const { submission, session: digest } = await rig.seal();
  const vault = { get: () => Promise.resolve(undefined), set: () => Promise.resolve() } as unknown as Vault;
  const keys = new SessionKeys({ vault, client: { use: () => undefined } });
  const { privateKey, publicKey } = await rawSigner(seedOf("session"));
  keys.enter({
    keys: { privateKey, publicKey: privateKey },
    publicKey,
    certificate: submission.session,
    digest,
    person: "p-ada",
    credentialId: "c",
    expires: NOW + 3_600,
  });
  const certificate = toBase64url(assertedCodec.encode(submission.session));
  const call = async (_: string, { body }: { body: { prepare: Signed } }) => {
    const frame = await rig.prepareWith(body.prepare, certificate);
    if (frame.kind !== "prepared") throw new Error(frame.kind);
    return { prepared: bend(frame.signed) };
  };
  const { state } = rig.world;
  const trust = { refresh: () => Promise.resolve(state), state: { value: state }, nameOf: () => "Ada" };
  return { client: { call }, trust, hosts: {}, keys, now: () => NOW } as unknown as CommandDeps;
}

const order = (change: Partial<CommandOrder> = {}): CommandOrder => ({
  operation: OPERATION,
  hostId: rig.world.host,
  args: {},
  content: AGENT,
  ...change,
});

describe("content of a command", () => {
  it("is shown as it was sealed, and named in the bytes by the digest of its ciphertext", async () => {
    const command = await prepareCommand(await depsOf(), order());
    expect(command.content).toEqual(AGENT);
    const { targets } = intentCodec.decode(utf8(command.exactIntent));
    expect(targets[0]?.sealed).toMatchObject([{ path: "content" }]);
    expect(command.exactIntent).not.toContain("Line one");
  });

  it("opens on the host as it was shown", async () => {
    const prepared = await rig.prepared({ operation: OPERATION });
    const sealed = await sealContent(answered(prepared), OPERATION, AGENT);
    expect(sealed?.digest).toBe(toBase64url(sha256Of(fromBase64url(sealed?.ciphertext ?? ""))));
    const { challenge, now, trustHead } = prepared;
    const command = await rig.seal((draft) => {
      Object.assign(draft.intent, { operation: OPERATION, args: {}, trustHead });
      const named = [{ path: "content", digest: sealed?.digest }];
      Object.assign(draft.target, { challenge, iat: now, expect: {}, sealed: named });
      draft.sealed = [sealed?.ciphertext ?? ""];
    });
    await rig.deliver(command.bytes);
    expect(rig.gateway.performed).toMatchObject([{ content: AGENT }]);
  });

  it("is sealed to no key but the one that the host signed", async () => {
    const mine = await depsOf(({ body, signature }) => ({
      body: toBase64url(
        utf8(new TextDecoder().decode(fromBase64url(body)).replace(/"sealKey":"[^"]+"/, `"sealKey":"${nonceOf("e")}"`)),
      ),
      signature,
    }));
    await expect(prepareCommand(mine, order())).rejects.toMatchObject({ trouble: { code: "not_the_host" } });
  });

  it("is not sealed for a host that gave no key, nor longer than an envelope has room for", async () => {
    const { sealKey: _none, ...older } = await rig.prepared({ operation: OPERATION });
    await expect(sealContent(answered(older), OPERATION, AGENT)).rejects.toMatchObject({ trouble: { code: "sealed" } });
    const prepared = await rig.prepared({ operation: OPERATION });
    const file = (name: string) => ({ name, content: "x".repeat(MAX_SEALED_BYTES / 2) });
    const long = { name: "helper", files: [file("a"), file("b")] };
    await expect(sealContent(answered(prepared), OPERATION, long)).rejects.toMatchObject({
      trouble: { code: "too_large" },
    });
  });

  it("that is not what the operation takes is a mistake of the page", async () => {
    const prepared = await rig.prepared({ operation: OPERATION });
    await expect(sealContent(answered(prepared), OPERATION, { name: "UPPER" })).rejects.toThrow("does not fit");
    await expect(sealContent(answered(prepared), "host.check@1", AGENT)).rejects.toThrow(TypeError);
    expect(await sealContent(answered(prepared), "host.check@1", undefined)).toBeUndefined();
  });
});

describe("what an intent pins", () => {
  const facts = { gatewayBoot: "boot-0001", configHash: nonceOf("now") };

  it("is what the host says and what was read, of what the operation wants", () => {
    expect(expectOf("gateway.restart@1", { facts })).toEqual({ gatewayBoot: "boot-0001" });
    expect(expectOf("config.rollback@1", { facts })).toEqual({ configHash: facts.configHash });
    const read = { subject: nonceOf("job"), configHash: facts.configHash };
    expect(expectOf("cron.run@1", { facts }, read)).toEqual({ subject: read.subject });
    expect(expectOf("config.rollback@1", { facts: {} }, read)).toEqual({ configHash: read.configHash });
    expect(expectOf("host.check@1", { facts }, read)).toEqual({});
  });

  it.each([
    ["gateway.restart@1", {}, undefined, "no_gateway"],
    ["config.rollback@1", {}, undefined, "no_gateway"],
    ["config.rollback@1", facts, { configHash: nonceOf("before") }, "expect"],
    ["cron.run@1", facts, undefined, "not_read"],
  ] as const)("(%s) is asked for before the touch", (...[operation, said, read, code]) => {
    expect(() => expectOf(operation, { facts: said }, read)).toThrow(
      expect.objectContaining({ trouble: expect.objectContaining({ code }) }),
    );
  });
});

describe("sealed content in a dialog", () => {
  it("is one line for each value, with what hides in it written out", () => {
    expect(leavesOf({ ...AGENT, enabled: true }, "")).toEqual([
      { path: "name", text: "helper" },
      { path: "files.0.name", text: "SOUL.md" },
      { path: "files.0.content", text: "Line one.\nLine two.\n" },
      { path: "enabled", text: "true" },
    ]);
    expect(visible("a\u202eb\u200bc\u001b[0m\ud800d\u2028e\ufe0f")).toBe(
      "a\\u{202e}b\\u{200b}c\\u{1b}[0m\\u{d800}d\\u{2028}e\\u{fe0f}",
    );
    expect(visible("Zeile eins\n\tzwei: äöü 漢字 🙂")).toBe("Zeile eins\n\tzwei: äöü 漢字 🙂");
  });
});
