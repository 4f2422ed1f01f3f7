/**
 * What a question holds that the edge may not read: sealed to the key of a challenge that this host minted for the same session,
 * and for the command that the question prepares. Nothing is spent by asking; the key goes with its challenge.
 * May not: open what was sealed for a command, or for somebody else's challenge.
 */
import { fromBase64url } from "../../../protocol/bytes.ts";
import { MalformedError } from "../../../protocol/canonical.ts";
import { actorName } from "../../../protocol/messages.ts";
import { reads, type Read } from "../../../protocol/reads.ts";
import { decodeContent, sealInfo } from "../../../protocol/seal.ts";
import type { VerifiedRead } from "../../../protocol/verify/read.ts";
import type { WardenContext } from "./deps.ts";

/** Undefined where the read seals nothing. */
export async function openQuestion(
  { operation, message }: Pick<VerifiedRead, "operation" | "message">,
  { challenges, workspace, keys }: Pick<WardenContext, "challenges" | "workspace" | "keys">,
): Promise<{ readonly content: unknown } | "arguments" | undefined> {
  const { sealed }: Read = reads[operation];
  if (sealed === undefined) return undefined;
  const { challenge, content } = message.args;
  if (typeof challenge !== "string" || typeof content !== "string") return "arguments";
  const minted = challenges.find(challenge);
  const isTheirs = minted?.actor === actorName({ session: message.session }) && minted.operation === sealed.with;
  const key = isTheirs ? challenges.sealKeyOf(challenge) : undefined;
  const bytes = await key?.open(
    fromBase64url(content),
    // Its own name: what was sealed for a question is no command, and the other way round.
    sealInfo({ workspace, host: keys.host, operation, challenge }),
  );
  if (bytes === undefined) return "arguments";
  try {
    return { content: decodeContent(sealed.schema, bytes) };
  } catch (error) {
    if (error instanceof MalformedError) return "arguments";
    throw error;
  }
}
