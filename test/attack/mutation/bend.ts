/**
 * Bends that keep the form: another value of the same kind at one place, so that the mutant gets past parsing and dies
 * of what it says. (The bends of the protocol's own campaign mostly break the form.)
 */
import { fromBase64url, toBase64url } from "../../../protocol/bytes.ts";
import { nonceOf } from "../../fixtures/keys.ts";
import { at, replaced, type Json, type Path, type Random } from "../../protocol/campaign.ts";

/** Words that mean something somewhere: kinds, classes, ids, operations, roles, addresses. */
const WORDS = [
  "gateway.restart@1",
  "host.check@1",
  "host.drill@1",
  "gateway.wipe@1",
  "intent",
  "proposal",
  "statement",
  "session-end",
  "edge-action",
  "p-ada",
  "p-bea",
  "p-otto",
  "p-vera",
  "p-nobody",
  "admin",
  "operator",
  "viewer",
  "nobody",
  "all",
  "two",
  "signer",
  "daily",
  "lost-device",
  "second-person",
  "k-pipeline",
  "http://clawhold.localhost:8443",
  "https://daily.example",
  "https://evil.example",
  "daily.example",
  "clawhold.localhost",
  "webauthn.create",
] as const;

function leavesOf(value: Json, path: Path = []): readonly Path[] {
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([key, item]) =>
    leavesOf(item as Json, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

function bentValue(old: Json, theirs: Json, random: Random): Json {
  if (typeof theirs === typeof old && theirs !== old && random(2) === 0) return theirs;
  if (typeof old === "boolean") return !old;
  if (typeof old === "number") return Math.max(0, old + ([1, -1, 3_600, -3_600, 86_400 * 100, -old][random(6)] ?? 0));
  if (typeof old !== "string") return old;
  if (/^[A-Za-z0-9_-]{43}$/.test(old)) return random(4) === 0 ? "A".repeat(43) : nonceOf(`bent ${String(random(9))}`);
  if (/^[A-Za-z0-9_-]{20,}$/.test(old)) return flipped(old, random);
  return WORDS[random(WORDS.length)] ?? old;
}

function flipped(text: string, random: Random): string {
  const bytes = fromBase64url(text);
  const place = random(bytes.length);
  return toBase64url(bytes.with(place, (bytes[place] ?? 0) ^ (1 << random(8))));
}

/** One value changed. @throws {RangeError} for text that is no base64url after all */
export function bentWell(tree: Json, donor: Json, random: Random): Json {
  const paths = leavesOf(tree).filter((path) => !path.includes("dispatch"));
  const path = paths[random(paths.length)] ?? [];
  return replaced(tree, path, (old) => bentValue(old, at(donor, path), random));
}
