import { beforeAll, describe, expect, it } from "vitest";
import { utf8, utf8Text } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import { ledgerLineCodec, MAX_LEDGER_LINE, type LedgerLine } from "../../protocol/ledger-file.ts";
import { MAX_PROOF_HASHES } from "../../protocol/limits.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { chainLines, makeTown, provenLines } from "../fixtures/log-file.ts";

let lines: readonly LedgerLine[];
beforeAll(async () => {
  const town = await makeTown();
  lines = [...(await chainLines(town, { first: 5, last: 16 })), ...(await provenLines(town, [4, 5]))];
});

const lineOf = (kind: LedgerLine["kind"]): LedgerLine => {
  const line = lines.find((one) => one.kind === kind);
  if (line === undefined) throw new RangeError(`no ${kind} line`);
  return line;
};
const decode = (text: string): LedgerLine => ledgerLineCodec.decode(utf8(text));

const KINDS = ["log", "trust", "checkpoint", "before", "entry", "proven", "after", "evidence", "end"] as const;

describe("a line of a log file", () => {
  it.each(KINDS)("%s is read as it was written, and not longer than a reader must take", (kind) => {
    const bytes = ledgerLineCodec.encode(lineOf(kind));
    expect(ledgerLineCodec.decode(bytes)).toEqual(lineOf(kind));
    expect(utf8Text(bytes).length).toBeLessThan(MAX_LEDGER_LINE);
    expect(utf8Text(bytes)).not.toContain("\n");
  });

  it.each(KINDS)("%s is closed: nothing more, nothing less, nothing else", (kind) => {
    const line = lineOf(kind) as unknown as Record<string, unknown>;
    expect(() => decode(JSON.stringify({ ...line, zz: 1 }))).toThrow(MalformedError);
    const optional = ["filter", "segment", "consistency"];
    for (const name of Object.keys(line)) {
      if (kind !== "after" && optional.includes(name)) continue;
      const less = Object.fromEntries(Object.entries(line).filter(([other]) => other !== name));
      expect(() => decode(JSON.stringify(less)), name).toThrow(MalformedError);
    }
    expect(() => decode(JSON.stringify({ ...line, kind: "note" }))).toThrow(MalformedError);
  });

  it.each([
    ["white space", (text: string) => ` ${text}`],
    ["a byte order mark", (text: string) => `\ufeff${text}`],
    ["members in another order", (text: string) => text.replace(/^\{("kind":"end"),("lines":\d+)\}$/, "{$2,$1}")],
    ["another spelling of a number", (text: string) => text.replace(/:(\d+)\}$/, ":$1.0}")],
    ["two of them", (text: string) => text + text],
  ])("has one spelling: not %s", (_name, bend) => {
    const text = utf8Text(ledgerLineCodec.encode(lineOf("end")));
    expect(bend(text)).not.toBe(text);
    expect(() => decode(bend(text))).toThrow(MalformedError);
  });

  it("takes as many hashes as a tree can need, and no more", () => {
    const after = (count: number): string =>
      JSON.stringify({ consistency: Array.from({ length: count }, () => nonceOf("hash")), index: 5, kind: "after" });
    expect(decode(after(MAX_PROOF_HASHES)).kind).toBe("after");
    expect(() => decode(after(MAX_PROOF_HASHES + 1))).toThrow(MalformedError);
  });
});
