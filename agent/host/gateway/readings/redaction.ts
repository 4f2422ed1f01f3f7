/**
 * Takes secrets out of texts that a person is about to read: logs, conversations, values of the configuration. It works
 * by shape and by the values that this host knows to be secret; it can miss one that looks like a word, which is why such
 * texts are sealed and need a grant all the same. Every pattern runs in linear time: the texts are a hostile program's.
 */
export const HIDDEN = "[redacted]";

/** Shorter values are words as often as secrets, and taking them out everywhere would make a log unreadable. */
const MIN_KNOWN_CHARACTERS = 8;

/** Keys of providers and services, by the marks that their issuers gave them. */
const MARKED =
  /\b(?:sk-[A-Za-z0-9_-]{8,256}|(?:gh[oprsu]|github_pat|glpat|npm|hf|pypi|dop_v1|rk_live|sk_live|whsec)[_-][A-Za-z0-9_-]{12,256}|xox[abeprs]-[A-Za-z0-9-]{8,256}|(?:AKIA|ASIA)[A-Z0-9]{12,32}|AIza[A-Za-z0-9_-]{20,64}|SG\.[A-Za-z0-9_.-]{16,128}|\d{6,12}:[A-Za-z0-9_-]{30,64}|eyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{4,4096}\.[A-Za-z0-9_-]{0,1024})/g;
const BEARER = /\b(bearer|basic|digest)(\s{1,4})[A-Za-z0-9._~+/=-]{8,4096}/gi;
const USERINFO = /\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/?#@"'<>]{1,512}@/gi;
const PRIVATE_KEY = /-----BEGIN [A-Z ]{0,32}PRIVATE KEY-----(?:[^]*?-----END [A-Z ]{0,32}PRIVATE KEY-----|[^]*$)/g;
/** `token=…`, `"apiKey": "…"`, `PASSWORD …`, `--secret …`; what stands beside such a word is taken for what it says. */
const NAMED =
  /((?:pass(?:word|wd|phrase)?|secret|token|credential|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|cookie|authorization|webhook[_-]?url)[A-Za-z0-9_-]{0,32}["'\\]{0,3}\s{0,4}[:=]\s{0,4}["'\\]{0,3}|--[a-z-]{0,32}(?:password|secret|token|key)[ =]["']?)([^\s"'\\,;&}\]]{6,4096})/gi;

/** `known`: values that must not be seen, e.g. of the configuration. */
export function redact(text: string, known: readonly string[] = []): string {
  let clean = text;
  for (const secret of known) if (clean.includes(secret)) clean = clean.replaceAll(secret, HIDDEN);
  return clean
    .replace(PRIVATE_KEY, HIDDEN)
    .replace(USERINFO, `$1${HIDDEN}@`)
    .replace(BEARER, `$1$2${HIDDEN}`)
    .replace(NAMED, (_all, before: string, value: string) =>
      value.startsWith(HIDDEN.slice(0, 6)) ? before + value : before + HIDDEN,
    )
    .replace(MARKED, HIDDEN);
}

/** Each value in the spellings in which programs print it, longest first. */
export function knownSecrets(values: Iterable<string>): readonly string[] {
  const spellings = new Set<string>();
  for (const value of values) {
    if (value.length < MIN_KNOWN_CHARACTERS) continue;
    const bytes = Buffer.from(value, "utf8");
    const plain = [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value.toWellFormed())];
    const coded = [bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url"), bytes.toString("hex")];
    for (const spelling of [...plain, ...coded]) spellings.add(spelling);
  }
  return [...spellings].toSorted((one, other) => other.length - one.length);
}

/** Made by a machine to be guessed by nobody. A model's name, a path or a date is not. */
export function looksRandom(value: string): boolean {
  if (value.length < 20 || value.length > 4_096 || /[\s/\\:]/.test(value)) return false;
  const isMixed = /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value);
  if (isMixed && value.length >= 24 && bitsPerCharacter(value) > 3.6) return true;
  const run = /[A-Za-z0-9+=_]{20,}/.exec(value)?.[0];
  return run !== undefined && /[A-Za-z]/.test(run) && /\d/.test(run) && bitsPerCharacter(run) > 3;
}

function bitsPerCharacter(value: string): number {
  const counts = new Map<string, number>();
  for (const character of value) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const times of counts.values()) bits -= (times / value.length) * Math.log2(times / value.length);
  return bits;
}
