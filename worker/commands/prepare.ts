/** Asks a host for a challenge, for a session or an automation key, once the edge finds that they may ask. */
import * as v from "valibot";
import { edgeSeconds } from "../../durable-objects/clock.ts";
import { fromBase64url } from "../../protocol/bytes.ts";
import { id } from "../../protocol/fields.ts";
import { actorName, assertedCodec, type Asserted, type Signed } from "../../protocol/messages.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import { verifyPrepare } from "../../protocol/verify.ts";
import { commandProblem, hostRefusalProblem, problem } from "../http/problems.ts";
import type { Handing } from "./submit.ts";

export interface Asking {
  readonly trust: TrustState;
  /** As the address names it. */
  readonly host: string | undefined;
  /** The prepare. */
  readonly signed: Signed;
  /** `actorName` of the only actor for whom this caller may ask. */
  readonly actor: string;
  /** base64url of the sign-in's canonical bytes; absent for an automation key. */
  readonly certificate?: string;
  readonly successor?: Asserted | undefined;
}

/** The host's signed answer. @throws {ProblemError} */
export async function askHost(asking: Asking, { deps, later }: Pick<Handing, "deps" | "later">): Promise<Signed> {
  const { trust, host, signed, actor, certificate, successor } = asking;
  const { workspace } = trust;
  if (!v.is(id, host)) throw problem("host_unknown");
  const session = certificate === undefined ? undefined : assertedCodec.decode(fromBase64url(certificate));
  const view = { trust, now: edgeSeconds(), host, isSessionEnded: () => false };
  const verdict = await verifyPrepare({ signed, session, successor }, view);
  if (verdict.kind === "refused") {
    const { code } = verdict;
    later(deps.countRefusal(workspace, { code, host, ...(certificate === undefined ? {} : { session: actor }) }));
    throw commandProblem(code);
  }
  if (actorName(verdict.prepare.actor) !== actor) throw commandProblem("session_key");
  if (trust.removedHosts.has(host)) throw problem("host_removed");
  if (!trust.hosts.has(host)) throw problem("host_quarantined");
  const call = {
    digest: verdict.digest,
    prepare: signed,
    ...(certificate === undefined ? {} : { certificate }),
    ...(successor === undefined ? {} : { successor }),
  };
  const answer = await deps.host(workspace, host).prepare({ workspace, host }, call);
  switch (answer.kind) {
    case "prepared":
      return answer.signed;
    case "refused":
      throw hostRefusalProblem(answer.code);
    case "offline":
      throw problem("host_offline");
    case "silent":
      throw problem("host_silent");
  }
}
