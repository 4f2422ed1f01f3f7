import { describe, expect, it } from "vitest";
import { toBase64url, utf8 } from "../../protocol/bytes.ts";
import {
  isReleasePath,
  RELEASE_FILES,
  releaseCodec,
  releasePath,
  signedReleaseCodec,
  verifyRelease,
} from "../../protocol/release.ts";
import type { MessageKind } from "../../protocol/signing.ts";
import { flipBase64url, signerOf } from "../fixtures/keys.ts";

const release = { v: 1, version: "1.2.3", sha256: "a".repeat(64) } as const;

async function signed(kind: MessageKind = "release", by = "release"): Promise<Uint8Array> {
  const body = releaseCodec.encode(release);
  const signature = await (await signerOf(by)).sign(kind, body);
  return signedReleaseCodec.encode({ v: 1, release: toBase64url(body), signature });
}

const verify = async (file: Uint8Array) => verifyRelease(file, (await signerOf("release")).publicKey);

describe("a signed release", () => {
  it("is what the key signed", async () => {
    expect(await verify(await signed())).toEqual(release);
  });

  it("is none by another key, or as another kind of message", async () => {
    expect(await verify(await signed("release", "stranger"))).toBeUndefined();
    expect(await verify(await signed("receipt"))).toBeUndefined();
  });

  it("is none with another body under the same signature", async () => {
    const file = signedReleaseCodec.decode(await signed());
    const body = releaseCodec.encode({ ...release, version: "9.9.9" });
    expect(await verify(signedReleaseCodec.encode({ ...file, release: toBase64url(body) }))).toBeUndefined();
    const bent = { ...file, signature: flipBase64url(file.signature, 9) };
    expect(await verify(signedReleaseCodec.encode(bent))).toBeUndefined();
  });

  it.each(["", "{}", '{"release":"e30","signature":"","v":1}', "\u0000"])("%j is refused", async (text) => {
    await expect(verify(utf8(text))).rejects.toThrow();
  });
});

describe("a path of a release", () => {
  it("is one that is made of a version and a known file", () => {
    for (const file of RELEASE_FILES) expect(isReleasePath(releasePath("1.20.3", file))).toBe(true);
  });

  it.each([
    "/install/1.2.3/secret",
    "/install/1.2.3/install.sh/",
    "/install/1.2.3/install.sh/x",
    "//install/1.2.3/install.sh",
    "/install/1.2/install.sh",
    "/install/../install.sh",
    "/install/1.2.3/constructor",
    "/index.html",
    "/",
  ])("%s is none", (path) => {
    expect(isReleasePath(path)).toBe(false);
  });
});
