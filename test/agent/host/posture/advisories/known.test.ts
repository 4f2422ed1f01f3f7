/** Which list counts: the built-in one, or a newer file that the pinned release key signed. */
import { describe, expect, it } from "vitest";
import { AS_OF, REVISION, ROWS } from "../../../../../agent/host/posture/advisories/data.ts";
import { MAX_ADVISORIES_BYTES, type Advisories } from "../../../../../agent/host/posture/advisories/format.ts";
import { signedFile } from "../../../../../agent/host/posture/advisories/generate.ts";
import { advisoriesIn, affecting } from "../../../../../agent/host/posture/advisories/known.ts";
import { rowsIn } from "../../../../../agent/host/posture/advisories/rows.ts";
import { fromBase64url, utf8Text } from "../../../../../protocol/bytes.ts";
import { encodeCanonical } from "../../../../../protocol/canonical.ts";
import { releaseKeyCodec } from "../../../../../protocol/release.ts";
import { toBase64url } from "../../../../../protocol/bytes.ts";
import { signerOf } from "../../../../fixtures/keys.ts";
import { recordedMachine } from "../recorded-machine.ts";

const DIRECTORY = "/state/posture";
const NEWER: Advisories = {
  v: 1,
  revision: REVISION + 1,
  asOf: "2026-11-01",
  advisories: [
    {
      id: "CVE-2026-99999",
      severity: "critical",
      introduced: "2026.9.1",
      fixed: "2026.9.7",
      title: "made up for a test",
    },
  ],
};

async function signed(list: unknown, by = "release"): Promise<string> {
  const body = encodeCanonical(list);
  const signer = await signerOf(by);
  const signature = await signer.sign("advisories", body);
  return JSON.stringify({ v: 1, advisories: toBase64url(body), signature });
}

async function known(file: string | undefined, withKey = true) {
  const { publicKey } = await signerOf("release");
  const key = utf8Text(releaseKeyCodec.encode({ v: 1, publicKey }));
  const machine = recordedMachine({
    files: {
      ...(file === undefined ? {} : { [`${DIRECTORY}/advisories.json`]: file }),
      ...(withKey ? { "/state/warden/release-key.json": key } : {}),
    },
  });
  return advisoriesIn(DIRECTORY, machine);
}

describe("the list that counts", () => {
  it("is the built-in one without another", async () => {
    const { summary, list } = await known(undefined);
    expect(summary).toEqual({ asOf: AS_OF, revision: REVISION, count: 130, source: "built in" });
    expect(list.every(({ id }) => /^(?:CVE|GHSA)-/.test(id))).toBe(true);
  });
  it("is a newer one that the pinned key signed", async () => {
    const { summary, list } = await known(await signed(NEWER));
    expect(summary).toEqual({
      asOf: "2026-11-01",
      revision: REVISION + 1,
      count: 1,
      source: `${DIRECTORY}/advisories.json`,
    });
    expect(affecting("2026.9.6", list).map(({ id }) => id)).toEqual(["CVE-2026-99999"]);
  });
  it.each([
    ["another key", () => signed(NEWER, "stranger"), true, "signature"],
    ["no key pinned", () => signed(NEWER), false, "no_key"],
    ["an older revision", () => signed({ ...NEWER, revision: REVISION - 1 }), true, "older"],
    ["the same revision", () => signed({ ...NEWER, revision: REVISION }), true, "older"],
    ["one key too many", () => signed({ ...NEWER, note: "x" }), true, "malformed"],
    [
      "a version that nobody can place",
      () => signed({ ...NEWER, advisories: [{ ...NEWER.advisories[0], fixed: "soon" }] }),
      true,
      "malformed",
    ],
    ["no JSON", () => Promise.resolve("{"), true, "malformed"],
    ["too much", () => Promise.resolve(" ".repeat(2 * MAX_ADVISORIES_BYTES + 1)), true, "malformed"],
  ] as const)("is the built-in one beside a file with %s, and it is said", async (...[, make, withKey, refused]) => {
    const { summary, list } = await known(await make(), withKey);
    expect(summary).toMatchObject({ source: "built in", revision: REVISION, refused });
    expect(list).toHaveLength(130);
  });
  it("is the built-in one when a byte of a signed list was changed", async () => {
    const file = JSON.parse(await signed(NEWER)) as { advisories: string; signature: string };
    const text = utf8Text(fromBase64url(file.advisories)).replace("2026.9.7", "2026.9.1");
    const bent = JSON.stringify({ ...file, v: 1, advisories: toBase64url(new TextEncoder().encode(text)) });
    expect((await known(bent)).summary.refused).toBe("signature");
  });
  it("has what the tool signs", async () => {
    const signer = await signerOf("release");
    const body = encodeCanonical(NEWER);
    const signature = fromBase64url(await signer.sign("advisories", body));
    expect(signedFile(NEWER, () => signature)).toEqual(JSON.parse(await signed(NEWER)));
  });
});

describe("the built-in list", () => {
  it.each([
    ["2026.9.6", 0],
    ["2026.6.9", 0],
    ["2026.6.8", 3],
    ["2026.1.28", 123], // all but one that was fixed before, and six that came later
  ])("names for %s %i faults", (version, count) => {
    expect(affecting(version, rowsIn(ROWS))).toHaveLength(count);
  });
  it("refuses a line that is no advisory", () => {
    expect(() => rowsIn("CVE-2026-1\tloud\t0\t2026.1.1\tx")).toThrow();
  });
});
