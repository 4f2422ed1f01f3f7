/**
 * The trust log as this host believes it: it starts at a pin that did not come from the edge, grows only by statements
 * that prove themselves, and is verified again at every start. Nothing older and no other branch is ever accepted.
 */
import { fromBase64url, utf8, utf8Text } from "../../../protocol/bytes.ts";
import { encodeCanonical, MalformedError } from "../../../protocol/canonical.ts";
import { digestOf, type Digest } from "../../../protocol/signing.ts";
import { applyRoot, applyStatement, type RootPin } from "../../../protocol/trust/apply.ts";
import type { TrustRefusal } from "../../../protocol/trust/refusals.ts";
import type { TrustState } from "../../../protocol/trust/state.ts";
import {
  signedRootCodec,
  signedStatementCodec,
  statementCodec,
  type SignedRoot,
  type SignedStatement,
  type TrustPage,
} from "../../../protocol/trust/statements.ts";
import { HostError } from "../host-error.ts";
import { AppendFile, type AppendIo } from "./append-file.ts";

/** `fork`: a sibling of a statement we hold, validly signed. `no_root`: statements before there is anything to follow. */
export type TrustStoreRefusal = TrustRefusal | "fork" | "no_root";

export interface Acceptance {
  /** How many links of the page were new to us. */
  readonly added: number;
  /** The first refusal; nothing after it was looked at. */
  readonly refusal: TrustStoreRefusal | undefined;
}

export interface TrustStoreOptions {
  readonly path: string;
  readonly pin: RootPin;
  readonly io?: AppendIo;
}

export class TrustStore {
  readonly #file: AppendFile;
  readonly #pin: RootPin;
  /** Durable: the file holds the root and these statements, one a line. */
  #root: SignedRoot | undefined;
  readonly #statements: SignedStatement[] = [];
  readonly #hashes = new Set<Digest>();
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
      for (const [i, line] of lines.entries()) await store.#load(line, { path, number: i + 1 });
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

  async #accept(page: TrustPage): Promise<Acceptance> {
    let added = 0;
    if (page.root !== undefined) {
      const refusal = await this.#acceptRoot(page.root);
      if (refusal === "new") added += 1;
      else if (refusal !== undefined) return { added, refusal };
    }
    for (const signed of page.statements) {
      const hash = digestOf("statement", fromBase64url(signed.statement));
      if (this.#hashes.has(hash)) continue;
      const refusal = await this.#acceptStatement(signed, hash);
      if (refusal !== undefined) return { added, refusal };
      added += 1;
    }
    return { added, refusal: undefined };
  }

  close(): void {
    this.#file.close();
  }

  async #acceptRoot(signed: SignedRoot): Promise<TrustStoreRefusal | "new" | undefined> {
    if (this.#state !== undefined) {
      return digestOf("root", fromBase64url(signed.root)) === this.#state.workspace ? undefined : "workspace";
    }
    const result = await applyRoot(signed, this.#pin);
    if (!result.ok) return result.code;
    this.#file.append(utf8Text(encodeCanonical(signed)));
    this.#root = signed;
    this.#state = result.state;
    return "new";
  }

  async #acceptStatement(signed: SignedStatement, hash: Digest): Promise<TrustStoreRefusal | undefined> {
    if (this.#state === undefined) return "no_root";
    const result = await applyStatement(this.#state, signed);
    if (!result.ok) return result.code === "place" && (await this.#isFork(signed)) ? "fork" : result.code;
    this.#file.append(utf8Text(encodeCanonical(signed)));
    this.#keep(signed, hash, result.state);
    return undefined;
  }

  #keep(signed: SignedStatement, hash: Digest, state: TrustState): void {
    this.#statements.push(signed);
    this.#hashes.add(hash);
    this.#state = state;
  }

  /** Would it have been valid at an earlier place of our own chain? Then two statements share a predecessor. */
  async #isFork(signed: SignedStatement): Promise<boolean> {
    let place: number;
    try {
      place = statementCodec.decode(fromBase64url(signed.statement)).prev.n;
    } catch (error) {
      if (error instanceof MalformedError) return false;
      throw error;
    }
    if (this.#root === undefined || place >= this.#statements.length) return false;
    let result = await applyRoot(this.#root, this.#pin);
    for (const earlier of this.#statements.slice(0, place)) {
      if (!result.ok) return false;
      result = await applyStatement(result.state, earlier);
    }
    return result.ok && (await applyStatement(result.state, signed)).ok;
  }

  async #load(line: string, place: { readonly path: string; readonly number: number }): Promise<void> {
    const bytes = utf8(line);
    try {
      if (this.#state === undefined) {
        const signed = signedRootCodec.decode(bytes);
        const result = await applyRoot(signed, this.#pin);
        if (!result.ok) throw damaged(place, result.code);
        this.#root = signed;
        this.#state = result.state;
        return;
      }
      const signed = signedStatementCodec.decode(bytes);
      const result = await applyStatement(this.#state, signed);
      if (!result.ok) throw damaged(place, result.code);
      this.#keep(signed, digestOf("statement", fromBase64url(signed.statement)), result.state);
    } catch (error) {
      if (error instanceof MalformedError) throw damaged(place, "malformed");
      throw error;
    }
  }
}

function damaged({ path, number }: { readonly path: string; readonly number: number }, code: string): HostError {
  return new HostError(
    "trust_damaged",
    `The trust log ${path} does not verify in line ${number} (${code}), so this host cannot tell whom to obey and does not start. Restore the file from a backup, or remove this host in Clawhold and join it again with an empty state directory.`,
  );
}
