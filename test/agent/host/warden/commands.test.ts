import { describe, expect, it } from "vitest";
import { fromBase64url } from "../../../../protocol/bytes.ts";
import { digestOf, verifySignature } from "../../../../protocol/signing.ts";
import { nonceOf } from "../../../fixtures/keys.ts";
import { asserted } from "../../../fixtures/workspace.ts";
import { encodeCanonical } from "../../../../protocol/canonical.ts";
import { until, type Rig } from "./rig.ts";
import { useRigs } from "./rigs.ts";
import type { CommandDraft } from "../../../fixtures/command.ts";

const { rig, replace } = useRigs();

describe("an honest command", () => {
  it("runs once, and its receipt says what was seen", async () => {
    const host = await rig();
    const command = await host.command();
    await host.deliver(command.bytes);
    expect(host.gateway.restarts).toBe(1);
    expect(host.lastReceipt()).toMatchObject({
      verdict: "executed",
      intent: command.digest,
      number: 1,
      observed: { gatewayBootBefore: "boot-0001", gatewayBootAfter: "boot-after-1" },
    });
    const { signed } = host.last("receipt");
    const body = fromBase64url(signed.body);
    const publicKey = host.world.keys.host.publicKey;
    expect(await verifySignature({ kind: "receipt", body, signature: signed.signature, publicKey })).toBe(true);
    const steps = host.logged.flatMap((line) => (line["intent"] === command.digest ? [line["step"]] : []));
    expect(steps).toEqual(["verified", "journaled", "executing", "executed", "receipted"]);
  });

  it("is answered with the stored receipt when it comes again, and never runs again", async () => {
    const host = await rig();
    const command = await host.command();
    await host.deliver(command.bytes);
    await host.deliver(command.bytes, 2);
    expect(host.gateway.restarts).toBe(1);
    expect(host.receipts()).toHaveLength(2);
    expect(host.receipts()[1]).toEqual(host.receipts()[0]);
  });

  it("runs once when it arrives many times at once", async () => {
    const host = await rig();
    const command = await host.command();
    const envelope = Buffer.from(command.bytes).toString("base64url");
    await Promise.all(Array.from({ length: 8 }, (_, i) => host.receive({ kind: "deliver", number: i, envelope })));
    await host.idle();
    expect(host.gateway.restarts).toBe(1);
  });

  it("is known to the next process over the same files", async () => {
    const host = await rig();
    const command = await host.command();
    await host.deliver(command.bytes);
    const next = await host.reopen();
    replace(next);
    await next.welcome();
    await next.deliver(command.bytes);
    expect(next.gateway.restarts).toBe(1);
    expect(next.lastReceipt()).toEqual(host.lastReceipt());
  });

  it("runs when the gateway was too busy to greet at the first look", async () => {
    const host = await rig();
    const { bytes } = await host.command();
    const answers: (string | undefined)[] = [undefined, host.gateway.boot];
    host.gateway.bootId = () => Promise.resolve(answers.shift());
    await host.deliver(bytes);
    expect(host.gateway.restarts).toBe(1);
    expect(answers).toEqual([]);
  });

  it("is refused when another gateway answers, and nobody looks again until it fits", async () => {
    const host = await rig();
    const { bytes } = await host.command();
    const answers = ["boot-other", host.gateway.boot];
    host.gateway.bootId = () => Promise.resolve(answers.shift());
    await host.deliver(bytes);
    expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code: "expect" });
    expect(answers).toHaveLength(1);
  });

  it("chains receipts", async () => {
    const host = await rig();
    await host.deliver((await host.command()).bytes);
    const first = host.last("receipt").signed;
    await host.deliver((await host.command()).bytes, 2);
    expect(host.lastReceipt()).toMatchObject({ number: 2, previous: digestOf("receipt", fromBase64url(first.body)) });
  });
});

/** Rules behind the session's signature: receipted, the intent stays unknown, the challenge lives. */
const receipted: Record<string, (draft: CommandDraft, host: Rig) => Promise<void> | void> = {
  approval_missing: (draft) => {
    draft.approvals = [];
  },
  "approval.user_verification": (draft) => {
    const [approval] = draft.approvals;
    if (approval !== undefined) approval.knobs = { ...approval.knobs, flags: 0x01 };
  },
  clock: (draft) => {
    const [approval] = draft.approvals;
    if (approval !== undefined) approval.body = { ...approval.body, after: 90 };
  },
  expect: (draft) => {
    draft.target = { ...draft.target, expect: { gatewayBoot: "boot-other" } };
  },
  people: (draft, host) => {
    const [approval] = draft.approvals;
    if (approval !== undefined) approval.passkey = host.world.people.otto.passkey;
  },
  role: (draft, host) => {
    const [approval] = draft.approvals;
    if (approval !== undefined) approval.passkey = host.world.people.vera.passkey;
  },
};

describe("refusals after the session's signature", () => {
  for (const [code, bend] of Object.entries(receipted)) {
    it(`${code}: receipted, not known, challenge not spent`, async () => {
      const host = await rig();
      const { challenge, now } = await host.prepared();
      const honest = (draft: CommandDraft): void => {
        draft.target = { ...draft.target, challenge, iat: now };
      };
      const bent = await host.seal((draft) => {
        honest(draft);
        void bend(draft, host);
      });
      await host.deliver(bent.bytes);
      expect(host.gateway.restarts).toBe(0);
      expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code, number: 1, intent: bent.digest });
      await host.deliver((await host.seal(honest)).bytes, 2);
      expect(host.gateway.restarts).toBe(1);
      expect(host.lastReceipt()).toMatchObject({ verdict: "executed", number: 2 });
    });
  }

  it("repeats a refusal instead of writing it again", async () => {
    const host = await rig();
    const command = await host.command((draft) => (draft.approvals = []));
    await host.deliver(command.bytes);
    await host.deliver(command.bytes, 2);
    expect(host.receipts().map((receipt) => receipt.number)).toEqual([1, 1]);
    expect(host.context.journal.position.number).toBe(1);
  });

  it("local_policy: the deny list of the machine wins", async () => {
    const host = await rig({ denyList: "# never\ngateway.*\n" });
    await host.deliver((await host.command()).bytes);
    expect(host.gateway.restarts).toBe(0);
    expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code: "local_policy" });
  });
});

describe("a machine that never changes its configuration", () => {
  const drill = (draft: CommandDraft): void => {
    draft.intent = { ...draft.intent, operation: "host.drill@1", args: { scenario: "lost-device" } };
    draft.target = { ...draft.target, expect: {} };
  };

  async function rehearse(denyList?: string): Promise<Rig> {
    const host = await rig(denyList === undefined ? {} : { denyList });
    const { challenge, now } = await host.prepared({ operation: "host.drill@1" });
    const command = await host.seal((draft) => {
      drill(draft);
      draft.target = { ...draft.target, challenge, iat: now };
    });
    await host.deliver(command.bytes);
    return host;
  }

  it("refuses a critical command that everybody approved, and still restarts", async () => {
    const host = await rehearse("config.*\nhost.drill@1\n");
    expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code: "local_policy" });
    await host.deliver((await host.command()).bytes, 2);
    expect(host.lastReceipt().verdict).toBe("executed");
    expect(host.gateway.restarts).toBe(1);
  });

  it("would have carried it out without the list", async () => {
    expect((await rehearse()).lastReceipt().verdict).toBe("executed");
  });
});

/** Rules before it: unsigned, counted, nothing in the chain. */
const unsigned: Record<string, (draft: CommandDraft, host: Rig) => void> = {
  workspace: (draft) => {
    draft.intent = { ...draft.intent, workspace: nonceOf("elsewhere") };
  },
  target: (draft) => {
    draft.target = { ...draft.target, host: "h-elsewhere" };
  },
  dispatch: (draft, host) => {
    draft.dispatch.signer = host.world.keys.stranger;
  },
  challenge: (draft) => {
    draft.target = { ...draft.target, challenge: nonceOf("never minted") };
  },
  session_key: (draft, host) => {
    draft.sessionSigner = host.world.keys.stranger;
  },
};

describe("refusals before the session's signature", () => {
  for (const [code, bend] of Object.entries(unsigned)) {
    it(`${code}: an unsigned frame, a counter, no receipt`, async () => {
      const host = await rig();
      const before = host.warden.standing().unsignedRefusals;
      const command = await host.command((draft) => bend(draft, host));
      await host.receive({ kind: "deliver", number: 1, envelope: Buffer.from(command.bytes).toString("base64url") });
      await until(() => host.sent.at(-1)?.kind === "refused");
      expect(host.last("refused")).toEqual({ kind: "refused", subject: command.digest, code });
      expect(host.warden.standing().unsignedRefusals).toBe(before + 1);
      expect(host.receipts()).toEqual([]);
      expect(host.gateway.restarts).toBe(0);
    });
  }

  it("malformed: garbage gets no answer at all", async () => {
    const host = await rig();
    const before = host.sent.length;
    await host.deliver(new TextEncoder().encode("{}"));
    expect(host.sent.length).toBe(before);
    expect(host.warden.standing().unsignedRefusals).toBeGreaterThan(0);
  });
});

describe("expired and spent challenges", () => {
  it("refuses after five minutes", async () => {
    const host = await rig();
    const command = await host.command();
    host.clock.advance(301);
    await host.deliver(command.bytes);
    expect(host.last("refused").code).toBe("challenge");
  });

  it("refuses after a jump of the wall clock", async () => {
    const host = await rig();
    const command = await host.command();
    host.clock.wallMilliseconds += 6_000;
    await host.deliver(command.bytes);
    expect(host.last("refused").code).toBe("challenge");
  });

  it("refuses a second intent on a challenge that one intent spent", async () => {
    const host = await rig();
    const { challenge, now } = await host.prepared();
    const use = (id: string) => (draft: CommandDraft) => {
      draft.target = { ...draft.target, challenge, iat: now, expect: { gatewayBoot: host.gateway.boot } };
      draft.intent = { ...draft.intent, id: nonceOf(id) };
    };
    await host.deliver((await host.seal(use("one"))).bytes);
    await host.deliver((await host.seal(use("two"))).bytes, 2);
    expect(host.gateway.restarts).toBe(1);
    expect(host.last("refused").code).toBe("challenge");
  });

  it("refuses the challenge of an earlier process", async () => {
    const host = await rig();
    const command = await host.command();
    const next = await host.reopen();
    replace(next);
    await next.welcome();
    await next.deliver(command.bytes);
    expect(next.last("refused").code).toBe("challenge");
    expect(next.gateway.restarts).toBe(0);
  });
});

describe("a touch made for something else", () => {
  it("does not pass as an approval", async () => {
    const host = await rig();
    const { workspace, people } = host.world;
    const subject = nonceOf("other");
    const other = encodeCanonical({ v: 1, workspace, kind: "intent", subject, decision: "approve", after: 1 });
    const foreign = await asserted(people.ada.passkey, "approval", { body: other });
    const command = await host.command((draft) => {
      draft.envelope = { approvals: [foreign] };
    });
    await host.deliver(command.bytes);
    expect(host.lastReceipt()).toMatchObject({ verdict: "refused", code: "approval_subject" });
  });
});
