/** The part of a question that only the host reads: opened for whoever holds the challenge, for the command that it prepares. */
import { beforeEach, describe, expect, it } from "vitest";
import { flipBase64url, nonceOf } from "../../../fixtures/keys.ts";
import { ChallengeTable } from "../../../../agent/host/warden/challenges.ts";
import { openQuestion } from "../../../../agent/host/warden/sealed-question.ts";
import { makeSealKey, type SealKey } from "../../../../agent/shared/seal.ts";
import { toBase64url, utf8 } from "../../../../protocol/bytes.ts";
import type { Prepared } from "../../../../protocol/messages.ts";
import type { OperationName } from "../../../../protocol/operations.ts";
import { sealQuestion } from "../../../../web/client/sealed-content.ts";
import { digestBytes } from "../../../../protocol/signing.ts";

const WORKSPACE = nonceOf("workspace");
const HOST = "h-host";
const READ = "posture.plan-with@1";
const options = { sshUsers: ["owner"], admins: ["203.0.113.7"] };
const session = toBase64url(digestBytes("session", utf8("mine")));

let challenges: ChallengeTable;
let key: SealKey;
let minted: number;

beforeEach(async () => {
  minted = 0;
  key = await makeSealKey();
  challenges = new ChallengeTable({
    clock: { wall: () => 0, monotonic: () => 0 },
    nonce: () => nonceOf(`challenge ${String((minted += 1))}`),
  });
});

function mint(operation: OperationName, actor = session): string {
  const prepare = digestBytes("prepare", utf8(`${operation} ${actor}`));
  const draft = { actor, operation, holder: "person:p", prepare: toBase64url(prepare), sealKey: key };
  const challenge = challenges.mint(draft as Parameters<ChallengeTable["mint"]>[0]);
  if (challenge === undefined) throw new TypeError("the table is full");
  return challenge;
}

async function ask(challenge: string, change: Readonly<Record<string, unknown>> = {}, host = HOST) {
  const prepared = { workspace: WORKSPACE, host: HOST, challenge, sealKey: key.publicKey } as unknown as Prepared;
  const sealed = await sealQuestion({ prepared, answeredMs: 0 }, READ, options);
  const args = { check: "ssh.allowlist", ...sealed, ...change };
  const read = { operation: READ, message: { session, args } } as unknown as Parameters<typeof openQuestion>[0];
  return openQuestion(read, { challenges, workspace: WORKSPACE, keys: { host } } as unknown as Parameters<
    typeof openQuestion
  >[1]);
}

describe("a sealed question", () => {
  it("is opened, as often as it is asked: nothing is spent", async () => {
    const challenge = mint("posture.fix-with@1");
    expect(await ask(challenge)).toEqual({ content: options });
    expect(await ask(challenge)).toEqual({ content: options });
    expect(challenges.find(challenge)).toBeDefined();
  });

  it("is not opened with the challenge of another command, session or host, or with none", async () => {
    expect(await ask(mint("profile.apply@1"))).toBe("arguments");
    expect(await ask(mint("posture.fix-with@1", nonceOf("theirs")))).toBe("arguments");
    const challenge = mint("posture.fix-with@1");
    expect(await ask(challenge, {}, "h-other")).toBe("arguments");
    expect(await ask(challenge, { challenge: nonceOf("unknown") })).toBe("arguments");
    challenges.consume(challenge);
    expect(await ask(challenge)).toBe("arguments");
  });

  it("that was changed on its way is refused", async () => {
    const challenge = mint("posture.fix-with@1");
    const prepared = { workspace: WORKSPACE, host: HOST, challenge, sealKey: key.publicKey } as unknown as Prepared;
    const { content } = await sealQuestion({ prepared, answeredMs: 0 }, READ, options);
    expect(await ask(challenge, { content: flipBase64url(content, 300) })).toBe("arguments");
  });
});
