/** Samples of what came with releases that hosts take by command. */
import { toBase64url } from "../../protocol/bytes.ts";
import { releaseCodec, releaseKeyCodec, signedReleaseCodec } from "../../protocol/release.ts";
import { nonceOf } from "../fixtures/keys.ts";
import { goldenOf, type Golden, type Sample } from "./golden.ts";

const release = { v: 1, version: "1.10.0", sha256: "5a".repeat(32) } as const;

export const releaseSamples: Readonly<Record<string, Sample>> = {
  release: {
    note: "What the release key signs: a version and the SHA-256 of its archive.",
    kind: "release",
    codec: releaseCodec,
    value: release,
  },
  "signed release": {
    note: "release.json, as an edge serves it beside the archive.",
    codec: signedReleaseCodec,
    value: {
      v: 1,
      release: toBase64url(releaseCodec.encode(release)),
      signature: `${"B".repeat(85)}A`,
    },
  },
  "release key": {
    note: "release-key.json, in the archive: pinned when a host is installed by hand.",
    codec: releaseKeyCodec,
    value: { v: 1, publicKey: nonceOf("release key") },
  },
};

export function releaseMessages(): readonly Golden[] {
  return goldenOf(releaseSamples);
}
