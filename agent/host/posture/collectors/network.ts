/** Facts of this area: what is known about it, by name. The collectors that give them are listed at the end. */
import type { Collector } from "../collector.ts";

// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- filled area by area
export interface NetworkFacts {}

export const networkCollectors: readonly Collector[] = [];
