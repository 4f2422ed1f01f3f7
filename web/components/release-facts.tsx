/** What an update brings, before anybody is asked to approve it. */
import type { KnownRelease } from "../state/releases.ts";
import { Fact } from "./parts.tsx";

interface ReleaseFactsProps {
  readonly release: KnownRelease;
  /** The version that runs now, in words. */
  readonly from: string;
}

export function ReleaseFacts({ release: { version, sha256, key }, from }: ReleaseFactsProps) {
  return (
    <dl class="facts">
      <Fact name="From">{from}</Fact>
      <Fact name="To">{version}</Fact>
      <Fact name="SHA-256 of the archive">
        <code>{sha256}</code>
      </Fact>
      <Fact name="Release key">
        <code>{key}</code>
      </Fact>
      <Fact name="Who checks">Each host holds archive and key against what it pinned when it was installed.</Fact>
      <Fact name="If it does not come back">
        The version before runs again by itself within three minutes. No gateway is touched.
      </Fact>
    </dl>
  );
}
