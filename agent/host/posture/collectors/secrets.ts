/** Facts of this area: where secrets of gateways lie, who can read them, and what they lie on. */
import type { Collector } from "../collector.ts";
import { diskCollector } from "./secrets/disk.ts";
import { filesCollector, type LooseFile } from "./secrets/files.ts";
import { plaintextCollector, type KeyPlace } from "./secrets/plaintext.ts";

export interface SecretFacts {
  /** For each gateway how many files were looked at, and those that are open to others or lead elsewhere. */
  "secrets.files": readonly {
    readonly gateway: string;
    readonly looked: number;
    readonly loose: readonly LooseFile[];
  }[];
  "secrets.plaintext": { readonly looked: number; readonly unseen: number; readonly places: readonly KeyPlace[] };
  "secrets.disk": readonly { readonly gateway: string; readonly device: string; readonly isEncrypted: boolean }[];
}

export const secretsCollectors: readonly Collector[] = [filesCollector, plaintextCollector, diskCollector];
