import { beforeAll, describe, expect, it } from "vitest";
import { noteSignerOf } from "../../agent/shared/signer.ts";
import { toBase64url, toHex, utf8 } from "../../protocol/bytes.ts";
import { MalformedError } from "../../protocol/canonical.ts";
import {
  COSIGN_SKEW_SECONDS,
  checkpointText,
  cosignedBy,
  coversTime,
  entryLeaf,
  logOrigin,
  openCheckpoint,
  parseCheckpoint,
  rootDigest,
  signCheckpoint,
  witnessName,
  witnessStanding,
  type Cosigned,
} from "../../protocol/checkpoint.ts";
import { emptyRoot, leafHash, type Hash } from "../../protocol/merkle.ts";
import { cosign, decodeNote, encodeNote, signNote, toBase64 } from "../../protocol/note.ts";
import { nonceOf, seedOf } from "../fixtures/keys.ts";

const workspace = nonceOf("workspace");
const root: Hash = leafHash(utf8("root"));
const ledger = noteSignerOf(seedOf("ledger"));
const ledgerKey = ledger.publicKey;
const text = checkpointText({ workspace, size: 42, root });

describe("the text of a checkpoint", () => {
  it("is origin, size and root, a line each", () => {
    expect(text).toBe(`clawhold/${workspace}\n42\n${Buffer.from(root).toString("base64")}\n`);
    expect(parseCheckpoint(text)).toEqual({ workspace, size: 42, root });
    expect(rootDigest({ workspace, size: 42, root })).toBe(toBase64url(root));
    expect(parseCheckpoint(checkpointText({ workspace, size: 0, root: emptyRoot() })).size).toBe(0);
    const largest = Number.MAX_SAFE_INTEGER;
    expect(parseCheckpoint(checkpointText({ workspace, size: largest, root })).size).toBe(largest);
  });

  it.each<[string, string]>([
    ["an extension line", `${text}extension\n`],
    ["no last line end", text.slice(0, -1)],
    ["an empty line more", `${text}\n`],
    ["another origin", text.replace("clawhold/", "example.com/")],
    ["a witness's name for an origin", text.replace("\n", "/h-one\n")],
    ["a leading zero", text.replace("\n42\n", "\n042\n")],
    ["a sign", text.replace("\n42\n", "\n+42\n")],
    ["a negative size", text.replace("\n42\n", "\n-42\n")],
    ["a fraction", text.replace("\n42\n", "\n42.0\n")],
    ["another notation", text.replace("\n42\n", "\n4e1\n")],
    ["more than numbers hold", text.replace("\n42\n", `\n${String(Number.MAX_SAFE_INTEGER + 1)}\n`)],
    ["digits of another script", text.replace("\n42\n", "\n\u0664\u0662\n")],
    ["a root of 31 bytes", text.replace(toBase64(root), toBase64(root.subarray(0, 31)))],
    ["a root with bits to spare", text.replace(/.=\n$/, "B=\n")],
    [
      "a root in base64url",
      text
        .replace(toBase64(root), `${toBase64url(root)}=`)
        .replace(/\n[^\n]*=\n$/, "\n-_-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"),
    ],
    ["nothing", ""],
  ])("refuses %s", (_name, bent) => {
    expect(() => parseCheckpoint(bent)).toThrow(MalformedError);
  });
});

describe("a leaf", () => {
  it("is the hash of an entry's digest, not of its text", () => {
    const digest = nonceOf("entry");
    expect(toHex(entryLeaf(digest))).toBe(toHex(leafHash(Buffer.from(digest, "base64url"))));
  });
});

describe("opening", () => {
  let note: string;
  beforeAll(async () => {
    note = await signCheckpoint({ workspace, size: 42, root }, ledger);
  });

  it("gives the checkpoint that this ledger key signed", async () => {
    expect(await openCheckpoint(note, { workspace, ledgerKey })).toMatchObject({ workspace, size: 42, root });
  });

  it("or says why not", async () => {
    const other = nonceOf("other workspace");
    expect(await openCheckpoint("", { workspace, ledgerKey })).toBe("malformed");
    expect(await openCheckpoint(note.replace("42", "43"), { workspace, ledgerKey })).toBe("signature");
    expect(await openCheckpoint(note, { workspace: other, ledgerKey })).toBe("workspace");
    const { publicKey } = noteSignerOf(seedOf("other"));
    expect(await openCheckpoint(note, { workspace, ledgerKey: publicKey })).toBe("signature");
    // Signed by the right key under a witness's name: not the log's word.
    const named = encodeNote({ text, signatures: [await signNote(text, witnessName(workspace, "h-one"), ledger)] });
    expect(await openCheckpoint(named, { workspace, ledgerKey })).toBe("signature");
    // The ledger key as a cosigner of its own log.
    const cosigned = await cosign({ text, name: logOrigin(workspace), at: 1 }, ledger);
    expect(await openCheckpoint(encodeNote({ text, signatures: [cosigned] }), { workspace, ledgerKey })).toBe(
      "signature",
    );
  });

  it("tells which host cosigned, by its own name and key only", async () => {
    const host = noteSignerOf(seedOf("host cosign"));
    const cosigned = await cosign({ text, name: witnessName(workspace, "h-one"), at: 99 }, host);
    const { signatures } = decodeNote(note);
    const opened = await openCheckpoint(encodeNote({ text, signatures: [...signatures, cosigned] }), {
      workspace,
      ledgerKey,
    });
    if (typeof opened === "string") throw new Error(opened);
    expect(await cosignedBy(opened, { host: "h-one", cosignKey: host.publicKey })).toBe(99);
    expect(await cosignedBy(opened, { host: "h-two", cosignKey: host.publicKey })).toBeUndefined();
    expect(await cosignedBy(opened, { host: "h-one", cosignKey: ledgerKey })).toBeUndefined();
  });
});

describe("a cosignature", () => {
  it("covers no entry that happens later, but for what clocks may differ", () => {
    const limit = (1_000 + COSIGN_SKEW_SECONDS) * 1_000;
    expect([coversTime(1_000, 1), coversTime(1_000, limit), coversTime(1_000, limit + 1)]).toEqual([true, true, false]);
  });
});

describe("witnessed", () => {
  const NOW = 1_000_000;
  const hostsOf = (apart: number, beside = 0) => [
    ...Array.from({ length: apart }, (_, i) => ({ id: `h-${String(i)}`, colocated: false })),
    ...Array.from({ length: beside }, (_, i) => ({ id: `c-${String(i)}`, colocated: true })),
  ];
  const seen = (host: string, size: number, at = NOW): Cosigned => ({ host, size, at });
  const standing = (hosts: ReturnType<typeof hostsOf>, cosigned: readonly Cosigned[]) =>
    witnessStanding(hosts, cosigned, { now: NOW, silentSeconds: 100 });

  it("takes more than half of those that stand apart", () => {
    for (const [apart, needed] of [
      [1, 1],
      [2, 2],
      [3, 2],
      [4, 3],
      [5, 3],
      [6, 4],
    ] as const)
      expect(standing(hostsOf(apart, 3), [])).toMatchObject({ needed, witnessedSize: 0 });
  });

  it("is what that many have seen at least", () => {
    const cosigned = [seen("h-0", 10), seen("h-1", 7), seen("h-2", 3)];
    expect(standing(hostsOf(3), cosigned).witnessedSize).toBe(7);
    expect(standing(hostsOf(5), cosigned).witnessedSize).toBe(3);
    expect(standing(hostsOf(6), cosigned).witnessedSize).toBe(0);
  });

  it("never by hosts beside the edge, by strangers, or by one host several times", () => {
    const cosigned = [seen("c-0", 10), seen("c-1", 10), seen("h-9", 10), seen("h-0", 10), seen("h-0", 11)];
    expect(standing(hostsOf(3, 2), cosigned).witnessedSize).toBe(0);
    expect(standing(hostsOf(0, 2), cosigned)).toMatchObject({ needed: 0, witnessedSize: 0, eligible: [] });
  });

  it("by two disjoint halves of six is neither of two histories", () => {
    const half = (from: number) => [0, 1, 2].map((i) => seen(`h-${String(from + i)}`, 10));
    expect(standing(hostsOf(6), half(0)).witnessedSize).toBe(0);
    expect(standing(hostsOf(6), half(3)).witnessedSize).toBe(0);
  });

  it("names who was heard lately and who was not; an older, longer one does not unsay a newer", () => {
    const cosigned = [
      seen("h-0", 10, NOW - 100),
      seen("h-1", 10, NOW - 101),
      seen("h-2", 12, NOW - 500),
      seen("h-2", 9, NOW),
    ];
    const { recent, silent, witnessedSize } = standing(hostsOf(4), cosigned);
    expect([recent, silent, witnessedSize]).toEqual([["h-0", "h-2"], ["h-1", "h-3"], 10]);
  });
});
