/**
 * A host asks to be looked at from outside. The edge knocks at no address that anybody says: only at the one from which this very
 * tunnel comes, for a command that a person gave, that is in the ledger and on its way, once each, and once a minute. So neither a
 * host nor whoever commands it can make an edge scan strangers.
 */
import { fromBase64url, toBase64url } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { intentCodec, submissionCodec, type Signed } from "../../protocol/messages.ts";
import { lookCodec, lookedCodec, placeOf, type Look, type LookAnswer } from "../../protocol/posture/outside.ts";
import { countCall, rates } from "../../protocol/rates.ts";
import { digestOf, verifySignature, type Signer } from "../../protocol/signing.ts";
import type { TrustState } from "../../protocol/trust/state.ts";
import { inwardFrames } from "../../protocol/tunnel.ts";
import { edgeSeconds } from "../clock.ts";
import { logStep } from "../log.ts";
import { knockAt, type ConnectOut } from "../outbound/knock.ts";
import type { OpenTunnel } from "./delivery.ts";
import { decoded } from "./greeting.ts";
import { trySend, type AgentAttachment } from "./sockets.ts";
import type { HostStore } from "./store.ts";

export interface LooksDeps {
  readonly store: HostStore;
  readonly trust: (workspace: string) => Promise<TrustState | undefined>;
  readonly signer: (open: OpenTunnel) => Promise<Signer | undefined>;
  readonly connect: ConnectOut;
  readonly waitUntil: (work: Promise<void>) => void;
}

interface JudgedLook {
  readonly look: Look;
  readonly digest: string;
}

export class Looks {
  readonly #deps: LooksDeps;

  constructor(deps: LooksDeps) {
    this.#deps = deps;
  }

  /** The caller has found the host admitted. @throws {MalformedError} for what no host says */
  async look(open: OpenTunnel, signed: Signed): Promise<void> {
    const { attachment } = open;
    const judged = await judgeLook(attachment, signed);
    if (judged === undefined) throw new MalformedError("look does not verify");
    // Beside the tunnel, which has other things to say than to wait for silent ports.
    this.#deps.waitUntil(this.#serve(open, judged));
  }

  async #serve(open: OpenTunnel, { look, digest }: JudgedLook): Promise<void> {
    const answer = await this.#answer(open.attachment, look);
    logStep("looked", { host: look.host, code: answer.kind === "seen" ? answer.vantage : answer.code });
    await this.#say(open, digest, answer);
  }

  async #answer({ workspace, host, address }: AgentAttachment, { intent, ports }: Look): Promise<LookAnswer> {
    const { trust, connect } = this.#deps;
    const colocated = (await trust(workspace))?.hosts.get(host)?.colocated ?? true;
    const place = placeOf(address, { colocated });
    if (place.kind === "refused") return place;
    // From here to the knock nothing is waited for: two frames of one command must not both pass.
    const asked = this.#asked(intent);
    if (asked === undefined) return { kind: "refused", code: "look_unasked" };
    if (!this.#count(asked)) return { kind: "refused", code: "look_too_often" };
    const { address: at, vantage } = place;
    return { kind: "seen", vantage, address: at, ports: await knockAt(at, ports, connect) };
  }

  /**
   * The place of the command. The ledger has it and who gave it: only then it has one. What was answered already asks for nothing
   * more, and neither does what was delivered before the last that did: a host carries them out in their order.
   */
  #asked(intent: string): number | undefined {
    const command = this.#deps.store.command(intent);
    if (command?.state !== "delivered" || command.number <= this.#last().number) return undefined;
    const submission = submissionCodec.check(JSON.parse(command.submission)); // our own row
    const { operation } = intentCodec.decode(fromBase64url(submission.intent));
    return operation === "posture.look@1" ? command.number : undefined;
  }

  /** Durable and before the knock, so that a host gains nothing by an edge that dies. */
  #count(number: number): boolean {
    const { full, standing } = countCall("look", rates.look, { full: this.#last().full, now: Date.now() });
    if (standing.isAllowed) this.#deps.store.setLatest("look", `${number} ${full}`);
    return standing.isAllowed;
  }

  #last(): { readonly number: number; readonly full: number } {
    const [number = 0, full = 0] = (this.#deps.store.latest("look") ?? "0 0").split(" ").map(Number);
    return { number, full };
  }

  async #say(open: OpenTunnel, look: string, answer: LookAnswer): Promise<void> {
    const signer = await this.#deps.signer(open);
    if (signer === undefined) return; // the host takes no other key's word, and waits no longer than it must
    const { workspace, host } = open.attachment;
    const body = lookedCodec.encode({ v: 1, workspace, host, look, at: edgeSeconds(), answer });
    const signed = { body: toBase64url(body), signature: await signer.sign("looked", body) };
    trySend(open.socket, inwardFrames.encode({ kind: "looked", signed }));
  }
}

/** The host's own signed question on this very tunnel; undefined when it is not. */
async function judgeLook(
  { workspace, host, hostKey, tunnel }: AgentAttachment,
  { body: text, signature }: Signed,
): Promise<JudgedLook | undefined> {
  const body = fromBase64url(text);
  const look = decoded(() => lookCodec.decode(body));
  // One of another tunnel is somebody's replay: that one may have come from elsewhere.
  if (look === undefined || look.workspace !== workspace || look.host !== host || look.tunnel !== tunnel)
    return undefined;
  const isSigned = await verifySignature({ kind: "look", body, signature, publicKey: hostKey });
  return isSigned ? { look, digest: digestOf("look", body) } : undefined;
}
