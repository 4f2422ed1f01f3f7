/**
 * The trust log as this host believes it: it starts at a pin that did not come from the edge, grows only by statements
 * that prove themselves, and is verified again at every start, in the order in which it was accepted. Nothing older is
 * ever accepted; a second history is remembered and freezes what counts, over every restart.
 */
import { fromBase64url, utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../protocol/canonical.ts";
import { digestOf, type Digest } from "../../../protocol/signing.ts";
import type { RootPin } from "../../../protocol/trust/apply.ts";
import type { TrustRefusal } from "../../../protocol/trust/refusals.ts";
import type { ChainState, TrustState } from "../../../protocol/trust/state.ts";
import type { TrustPage } from "../../../protocol/trust/statements.ts";
import { AppendFile, type AppendIo } from "./append-file.ts";
import { applyItem, replayTrust, type TrustItem } from "./trust-replay.ts";

/** `no_root`: statements before there is anything to follow. */
export type TrustStoreRefusal = TrustRefusal | "no_root";

export interface Acceptance {
  /** How many links of the page were new to us. */
  readonly added: number;
  /** The first refusal that no honest sender causes; nothing after it was looked at. */
  readonly refusal: TrustStoreRefusal | undefined;
  /** The first refusal of something that is late, or that we are not ready for; what came after it was looked at. */
  readonly passedOver: TrustStoreRefusal | undefined;
}

export interface TrustStoreOptions {
  readonly path: string;
  readonly pin: RootPin;
  readonly io?: AppendIo;
}

/**
 * What an honest edge may send and we may not take: it holds another history, or says again what was disowned, or we
 * lack a revocation. A revocation behind such a link must count all the same.
 */
const PASSED_OVER: ReadonlySet<TrustStoreRefusal> = new Set<TrustStoreRefusal>([
  "place",
  "exists",
  "frozen",
  "fork",
  "revoked",
  "revocations",
]);

export class TrustStore {
  /** Durable: the file holds the root and what followed, one a line, in the order in which it was accepted. */
  readonly #file: AppendFile;
  readonly #pin: RootPin;
  #state: TrustState | undefined;
  /** The one lane in which pages are applied; ends when the last one handed in is over. */
  #lane: Promise<unknown> = Promise.resolve();

  private constructor(file: AppendFile, pin: RootPin) {
    this.#file = file;
    this.#pin = pin;
  }

  static async open({ path, pin, io }: TrustStoreOptions): Promise<TrustStore> {
    const { file, lines } = AppendFile.open(path, io);
    try {
      const store = new TrustStore(file, pin);
      store.#state = await replayTrust(lines, { path, pin });
      return store;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Undefined until the root was seen. */
  get state(): TrustState | undefined {
    return this.#state;
  }

  /**
   * Applies what is new in a page, link by link; each is on disk before it counts. One page at a time, whichever tunnel
   * brought it: a page of a closed tunnel that is still being verified must not overtake, or undo, that of the next one.
   * @throws {AppendError}
   */
  accept(page: TrustPage): Promise<Acceptance> {
    const turn = this.#lane.then(() => this.#accept(page));
    this.#lane = turn.catch(() => undefined); // whoever handed the page in hears of it
    return turn;
  }

  close(): void {
    this.#file.close();
  }

  async #accept(page: TrustPage): Promise<Acceptance> {
    let added = 0;
    let passedOver: TrustStoreRefusal | undefined;
    if (page.root !== undefined) {
      const refusal = await this.#apply(page.root);
      if (refusal === undefined) added += 1;
      else if (refusal !== "held") return { added, refusal, passedOver };
    }
    const held = heldDigests(this.#state);
    for (const signed of page.statements) {
      const hash = digestOf("statement", fromBase64url(signed.statement));
      if (held.has(hash)) continue;
      const refusal = this.#state === undefined ? "no_root" : await this.#apply(signed);
      if (refusal === "held") continue;
      if (refusal === undefined) {
        held.add(hash);
        added += 1;
      } else if (PASSED_OVER.has(refusal)) passedOver ??= refusal;
      else return { added, refusal, passedOver };
    }
    return { added, refusal: undefined, passedOver };
  }

  /** Undefined when it is on disk and counts; `held`: it did before. */
  async #apply(item: TrustItem): Promise<TrustRefusal | "held" | undefined> {
    const result = await applyItem(this.#state, item, this.#pin);
    if (!result.ok) return result.code;
    if (result.state === this.#state) return "held";
    this.#file.append(utf8Text(encodeCanonical(item)));
    this.#state = result.state;
    return undefined;
  }
}

/** Digests of all that counts now, in either history. What was dropped is judged anew. */
export function heldDigests(state: TrustState | undefined): Set<Digest> {
  const held = new Set<Digest>(state?.revocations.keys());
  for (const head of [state?.chain, state?.other, ...(state?.aside?.values() ?? [])])
    for (let place: ChainState | undefined = head; place !== undefined; place = place.previous) held.add(place.hash);
  return held;
}
