/** Commands and questions about the machine itself: who gets them, with what, and that verification comes first. */
import { afterEach, describe, expect, it } from "vitest";
import type { PostureControl, PostureOrder } from "../../../../agent/host/posture/control-interface.ts";
import { fromBase64url, toBase64url } from "../../../../protocol/bytes.ts";
import { assertedCodec, type Prepared } from "../../../../protocol/messages.ts";
import { waiverReason } from "../../../../protocol/operations/posture.ts";
import { encodeContent, sealInfo } from "../../../../protocol/seal.ts";
import { sha256Of } from "../../../../protocol/signing.ts";
import { sealTo } from "../../../../web/client/seal.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { NOW } from "../../../fixtures/workspace.ts";
import { askAs, openParts, partOf } from "./asking.ts";
import { Rig, until } from "./rig.ts";

const SUBJECT = nonceOf("a plan as it was shown");
const HISTORY = { at: NOW, moments: [] };

class FakePosture implements PostureControl {
  readonly orders: PostureOrder[] = [];
  readonly asked: string[] = [];
  answer: unknown = HISTORY;
  perform(order: PostureOrder) {
    this.orders.push(order);
    return Promise.resolve({ verdict: "executed", observed: { made: "fix-0123456789abcdef" } } as const);
  }
  read(operation: string): Promise<unknown> {
    this.asked.push(operation);
    return Promise.resolve(this.answer);
  }
}

let rig: Rig;
let posture: FakePosture;
let counter = 0;

async function open(isThere = true): Promise<void> {
  posture = new FakePosture();
  rig = await Rig.open(isThere ? { posture } : {});
  await rig.welcome();
}
afterEach(() => rig.close());

interface Wanted {
  readonly operation: string;
  readonly args: object;
  readonly expect?: object;
  readonly content?: unknown;
}

async function outcomeOf({ operation, args, expect: pinned = {}, content }: Wanted): Promise<string> {
  const prepared: Prepared = await rig.prepared({ operation });
  const { workspace, host, challenge, now, trustHead } = prepared;
  const bytes = content === undefined ? undefined : encodeContent(waiverReason, content as { reason: string });
  const place = sealInfo({ workspace, host, operation, challenge });
  const sealed = bytes === undefined ? undefined : await sealTo(fromBase64url(prepared.sealKey ?? ""), place, bytes);
  const command = await rig.seal((draft) => {
    const id = nonceOf(`posture intent ${String((counter += 1))}`);
    Object.assign(draft.intent, { operation, args, trustHead, id });
    const paths = sealed === undefined ? [] : [{ path: "content", digest: toBase64url(sha256Of(sealed)) }];
    Object.assign(draft.target, { challenge, iat: now, expect: pinned, sealed: paths });
    if (sealed !== undefined) draft.sealed = [toBase64url(sealed)];
  });
  await rig.deliver(command.bytes);
  const { verdict, code, observed } = rig.lastReceipt();
  return [verdict, code ?? observed.reason ?? observed.made].filter((word) => word !== undefined).join(" ");
}

describe("a command about the machine", () => {
  const fix = { operation: "posture.fix@1", args: { check: "ssh.crypto" }, expect: { subject: SUBJECT } };

  it("reaches whoever mends it with the plan that was signed, and its name comes back in the receipt", async () => {
    await open();
    expect(await outcomeOf(fix)).toBe("executed fix-0123456789abcdef");
    expect(posture.orders).toMatchObject([
      { operation: "posture.fix@1", args: fix.args, expect: { subject: SUBJECT } },
    ]);
    expect(posture.orders[0]?.author).toMatch(/^p-/);
    expect(rig.gateway.performed).toEqual([]);
  });

  it.each([
    ["without the plan", { ...fix, expect: {} }],
    ["about a check that there is not", { ...fix, args: { check: "gw.made.up" } }],
    ["with a field more", { ...fix, args: { check: "ssh.crypto", force: true } }],
  ])("%s is refused, and nobody hears of it", async (_what, wanted) => {
    await open();
    expect(await outcomeOf(wanted)).toMatch(/^refused /);
    expect(posture.orders).toEqual([]);
  });

  it("gives what was sealed to whoever keeps it, and to no log", async () => {
    await open();
    const content = { reason: "a secret reason" };
    const args = { check: "ssh.crypto", until: NOW + 86_400 };
    expect(await outcomeOf({ operation: "posture.waive@1", args, content })).toMatch(/^executed/);
    expect(posture.orders[0]?.content).toEqual(content);
    expect(JSON.stringify([rig.sent, rig.logged])).not.toContain("secret reason");
  });

  it("fails where nobody looks at the machine", async () => {
    await open(false);
    expect(await outcomeOf(fix)).toBe("failed unsupported");
  });
});

describe("a question about the machine", () => {
  async function answer(): Promise<unknown> {
    const { session, submission } = await rig.seal();
    const asked = await askAs(rig.world, { session }, { operation: "posture.history@1", iat: NOW });
    const before = rig.sent.length;
    await rig.receive({
      kind: "read",
      read: asked.read,
      session: toBase64url(assertedCodec.encode(submission.session)),
    });
    await until(() => rig.sent.slice(before).some(({ kind }) => kind === "reading"));
    const parts = rig.sent.slice(before).filter((frame) => frame.kind === "reading");
    const [first] = parts;
    if (first === undefined) throw new Error("no part");
    const { code } = await partOf(first, rig.world.keys.host.publicKey);
    return code ?? openParts(asked, parts);
  }

  it("is answered sealed, also on a host without a gateway", async () => {
    await open();
    expect(await answer()).toEqual(HISTORY);
    expect(posture.asked).toEqual(["posture.history@1"]);
  });
  it("gets no answer that does not fit its schema", async () => {
    await open();
    posture.answer = { ...HISTORY, shadow: "root:$y$..." };
    expect(await answer()).toBe("gateway");
  });
  it("is unsupported where nobody looks at the machine", async () => {
    await open(false);
    expect(await answer()).toBe("unsupported");
  });
});
