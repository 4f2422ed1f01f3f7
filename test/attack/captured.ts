/**
 * What the edge does with an envelope that it captured: takes it apart, changes it, writes it canonically again and
 * signs a fresh dispatch for the result, so that it gets past every rule that the edge's own keys open.
 */
import { fromBase64url, toBase64url, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical, MalformedError } from "../../protocol/canonical.ts";
import { envelopeCodec, receiptCodec, type Signed } from "../../protocol/messages.ts";
import { digestOf, type Signer } from "../../protocol/signing.ts";
import { signed } from "../fixtures/keys.ts";
import type { Fields } from "../fixtures/workspace.ts";
import type { Scene } from "./scene.ts";

/** JSON as the attacker sees it: every member can be reached and changed. */
export type Tree = { [key: string]: unknown };

export function treeOf(bytes: Uint8Array): Tree {
  return JSON.parse(utf8Text(bytes)) as Tree;
}

export function innerTree(text: unknown): Tree {
  return treeOf(fromBase64url(String(text)));
}

export function encodeInner(tree: unknown): string {
  return toBase64url(encodeCanonical(tree));
}

export interface DispatchBend {
  /** Members of the dispatch to replace. */
  readonly change?: Fields;
  /** Who signs it; the edge's own key when absent. */
  readonly signer?: Signer;
}

/** A dispatch over whatever `intent` now is, with the real dispatch key, for the tunnel that is open. */
export async function dispatched(
  scene: Scene,
  envelope: Tree,
  { change = {}, signer }: DispatchBend = {},
): Promise<Uint8Array> {
  const { workspace, host, keys } = scene.town.world;
  const { tunnel, certFingerprint } = scene.tunnel;
  const intent = digestOf("intent", fromBase64url(String(envelope["intent"])));
  const body = encodeCanonical({ v: 1, workspace, host, intent, tunnel, certFingerprint, ...change });
  return encodeCanonical({ ...envelope, dispatch: await signed(signer ?? keys.dispatch, "dispatch", body) });
}

/** Changes the intent of a captured envelope and signs the delivery anew. */
export async function withIntent(
  scene: Scene,
  envelope: Uint8Array,
  change: (intent: Tree) => void,
): Promise<Uint8Array> {
  const tree = treeOf(envelope);
  const intent = innerTree(tree["intent"]);
  change(intent);
  return dispatched(scene, { ...tree, intent: encodeInner(intent) });
}

/** The digest by which a host would answer; undefined when not even an envelope can be read. */
export function intentOf(envelope: Uint8Array): string | undefined {
  try {
    return digestOf("intent", fromBase64url(envelopeCodec.decode(envelope).intent));
  } catch (error) {
    if (error instanceof MalformedError || error instanceof RangeError) return undefined;
    throw error;
  }
}

export function intentOfReceipt({ body }: Signed): string {
  return receiptCodec.decode(fromBase64url(body)).intent;
}
