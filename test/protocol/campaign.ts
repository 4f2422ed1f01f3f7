/**
 * A first campaign of an edge that holds the dispatch key, the tunnel and every message that ever passed: it bends
 * honest envelopes at random. Half are bent as bytes; half are bent inside, written canonically again and
 * dispatched properly, so that they get past everything the edge itself can satisfy. None may verify.
 */
import { fromBase64url, toBase64url, utf8, utf8Text } from "../../protocol/bytes.ts";
import { encodeCanonical } from "../../protocol/canonical.ts";
import { digestOf } from "../../protocol/signing.ts";
import { verifyEnvelope, type HostView } from "../../protocol/verify.ts";
import { CHALLENGE, honestCommand, type SealedCommand } from "../fixtures/command.ts";
import { nonceOf, rawSigner, seedOf, signed, signerOf } from "../fixtures/keys.ts";
import { makeWorld, NOW, type World } from "../fixtures/workspace.ts";

/** A small generator with a seed (mulberry32), so that a finding can be repeated. */
export function randomOf(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
export type Random = ReturnType<typeof randomOf>;

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type Members = { readonly [key: string]: Json };
export type Path = readonly (string | number)[];

/** Base64url fields whose content is JSON, wherever they stand: they are opened, bent inside and closed again. */
const OPENED = new Set(["intent", "body", "clientData", "envelope", "statement", "root", "session", "successor"]);

/** The envelope with its inner messages opened. */
export function opened(value: Json, key = ""): Json {
  if (typeof value === "string" && OPENED.has(key)) return openedText(value, key);
  if (Array.isArray(value)) return value.map((item: Json) => opened(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, opened(item, name)]));
}

function openedText(text: string, key: string): Json {
  try {
    const value = JSON.parse(utf8Text(fromBase64url(text))) as Json;
    return key === "clientData" ? { browserText: value } : { opened: opened(value) };
  } catch {
    return text; // a digest that happens to have this name
  }
}

export function closed(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => closed(item));
  if (typeof value !== "object" || value === null) return value;
  if ("opened" in value) return toBase64url(encodeCanonical(closed(value["opened"] ?? null)));
  // Browsers do not write canonically, and what nobody bent must stay as the browser wrote it.
  if ("browserText" in value) return toBase64url(utf8(JSON.stringify(value["browserText"])));
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, closed(item)]));
}

export function isMembers(value: Json): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function pathsOf(value: Json, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  const inside = Object.entries(value).flatMap(([key, item]) =>
    pathsOf(item as Json, [...path, Array.isArray(value) ? Number(key) : key]),
  );
  return [path, ...inside];
}

export function at(value: Json, path: Path): Json {
  return path.reduce<Json>((inner, key) => (inner as Members)[key] ?? null, value);
}

export function replaced(value: Json, [key, ...rest]: Path, change: (old: Json) => Json | undefined): Json {
  if (key === undefined) return change(value) ?? value;
  const bent =
    rest.length > 0 ? replaced((value as Members)[key] ?? null, rest, change) : change((value as Members)[key] ?? null);
  if (Array.isArray(value)) {
    const index = Number(key);
    return bent === undefined ? value.toSpliced(index, 1) : value.with(index, bent);
  }
  const { [key]: _old, ...others } = value as Members;
  return bent === undefined ? others : { ...others, [key]: bent };
}

function bentLeaf(old: Json, random: Random): Json | undefined {
  if (typeof old === "number") return [old + 1, old - 1, 0, old + 3_600, old * 2][random(5)] ?? 0;
  if (typeof old === "boolean") return !old;
  if (typeof old !== "string") return random(2) === 0 ? undefined : {};
  return [flippedText(old, random), nonceOf(`random ${random(9)}`), old.slice(0, -1), `${old}A`, "", undefined][
    random(6)
  ];
}

function flippedText(text: string, random: Random): string {
  try {
    const bytes = fromBase64url(text);
    if (bytes.length === 0) return "AA";
    const place = random(bytes.length);
    bytes[place] = (bytes[place] ?? 0) ^ (1 << random(8));
    return toBase64url(bytes);
  } catch {
    const place = random(Math.max(text.length, 1));
    return text.slice(0, place) + String.fromCharCode(0x61 + random(26)) + text.slice(place + 1);
  }
}

export function bentInside(envelope: Json, donor: Json, random: Random): Json {
  const paths = pathsOf(envelope).filter((path) => path.length > 0 && !path.includes("dispatch"));
  const path = paths[random(paths.length)] ?? [];
  switch (random(4)) {
    case 0: // the same field of another honest envelope
      return replaced(envelope, path, () => at(donor, path) ?? undefined);
    case 1: {
      // two fields exchanged
      const other = paths[random(paths.length)] ?? [];
      const [a, b] = [at(envelope, path), at(envelope, other)];
      const nested = other.join("/").startsWith(path.join("/")) || path.join("/").startsWith(other.join("/"));
      return nested
        ? replaced(envelope, path, () => undefined)
        : replaced(
            replaced(envelope, path, () => b),
            other,
            () => a,
          );
    }
    case 2: // a foreign member
      return replaced(envelope, path, (old) => (isMembers(old) ? { ...old, extra: random(9) } : undefined));
    default:
      return replaced(envelope, path, (old) => bentLeaf(old, random));
  }
}

export function bentBytes(honest: Uint8Array, random: Random): Uint8Array {
  const bytes = new Uint8Array(honest);
  const place = random(bytes.length);
  switch (random(5)) {
    case 0:
      return bytes.slice(0, place);
    case 1:
      return new Uint8Array([...bytes.slice(0, place), random(256), ...bytes.slice(place)]);
    case 2:
      return new Uint8Array([...bytes.slice(0, place), ...bytes.slice(place + 1 + random(8))]);
    default:
      bytes[place] = (bytes[place] ?? 0) ^ (1 << random(8));
      return bytes;
  }
}

interface Scene {
  readonly world: World;
  readonly honest: SealedCommand;
  readonly donors: readonly Json[];
  readonly view: HostView;
}

/** One honest command, and others whose parts the edge has seen: another person's, another operation's, an older one. */
async function sceneOf(): Promise<Scene> {
  const world = await makeWorld();
  const honest = await honestCommand(world);
  const second = await signerOf("second session");
  const donors = [
    await honestCommand(world, (draft, { people }) => {
      draft.session.passkey = people.otto.passkey;
      draft.session.body["sessionKey"] = second.publicKey;
      draft.sessionSigner = second;
      draft.approvals.forEach((approval) => (approval.passkey = people.otto.passkey));
      draft.target["challenge"] = nonceOf("other challenge");
    }),
    await honestCommand(world, (draft) => {
      draft.intent["operation"] = "host.check@1";
      draft.intent["id"] = nonceOf("other intent");
      // Every donor has a sign-in of its own: two genuine touches over the same bytes may stand for each other.
      draft.session.body["nonce"] = nonceOf("other sign-in");
    }),
    await honestCommand(world, (draft) => {
      draft.target["iat"] = NOW - 200;
      draft.intent["ttl"] = 300;
      draft.intent["id"] = nonceOf("older intent");
      draft.session.body["nonce"] = nonceOf("older sign-in");
    }),
  ].map(({ bytes }) => opened(JSON.parse(utf8Text(bytes)) as Json));
  const live = new Map([[CHALLENGE, { actor: honest.session, operation: "gateway.restart@1" }]]);
  return { world, honest, donors, view: { ...honest.view, challenge: (challenge) => live.get(challenge) } };
}

/** Writes the bent envelope canonically and dispatches it as the edge can. Undefined when it cannot be written. */
async function dispatched(bent: Json, { world }: Scene): Promise<Uint8Array | undefined> {
  try {
    const envelope = closed(bent) as Members;
    const intent = digestOf("intent", fromBase64url(envelope["intent"] as string));
    const body = { ...((bent as Members)["dispatch"] as { body: { opened: Members } }).body.opened, intent };
    const dispatch = await signed(world.keys.dispatch, "dispatch", encodeCanonical(body));
    return encodeCanonical({ ...envelope, dispatch });
  } catch {
    return undefined; // not even the edge could send this
  }
}

export interface Campaign {
  readonly tried: number;
  /** How many ended in which verdict. */
  readonly verdicts: Readonly<Record<string, number>>;
  /** Envelopes that verified though they are not the honest one. */
  readonly accepted: readonly string[];
}

export async function campaign(size: number, seed: number): Promise<Campaign> {
  const scene = await sceneOf();
  const random = randomOf(seed);
  const source = opened(JSON.parse(utf8Text(scene.honest.bytes)) as Json);
  const honestText = utf8Text(scene.honest.bytes);
  const verdicts: Record<string, number> = {};
  const accepted: string[] = [];
  let tried = 0;
  while (tried < size) {
    const inside = tried % 2 === 0;
    const donor = scene.donors[random(scene.donors.length)] ?? source;
    const bytes = inside
      ? await dispatched(bentInside(source, donor, random), scene)
      : bentBytes(scene.honest.bytes, random);
    if (bytes === undefined || sameText(bytes, honestText)) continue; // nothing was bent
    tried += 1;
    const result = await verifyEnvelope(bytes, scene.view);
    const verdict = result.kind === "refused" ? result.code : result.kind;
    verdicts[verdict] = (verdicts[verdict] ?? 0) + 1;
    if (result.kind !== "refused") accepted.push(toBase64url(bytes));
  }
  return { tried, verdicts, accepted };
}

function sameText(bytes: Uint8Array, text: string): boolean {
  const other = utf8(text);
  return bytes.length === other.length && bytes.every((byte, i) => byte === other[i]);
}

/** The key that the edge holds and nobody else: its presence makes the campaign a fair one. */
export async function edgeHoldsDispatchKey(): Promise<boolean> {
  const { publicKey } = await rawSigner(seedOf("dispatch"));
  return publicKey === (await makeWorld()).state.dispatchKey;
}
