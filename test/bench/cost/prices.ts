/**
 * Cloudflare's prices as data, US dollars, Workers Paid plan, as its pages said on 20 November 2026:
 * developers.cloudflare.com/workers/platform/pricing, /durable-objects/platform/pricing and /d1/platform/pricing.
 */

export interface Price {
  readonly name: string;
  readonly unit: string;
  /** In a month, with the plan. */
  readonly included: number;
  /** Of a million more. */
  readonly million: number;
}

export const PLAN_A_MONTH = 5;
/** Frames that come in on a socket, charged as one request of its object. What goes out, and the protocol's own pings, are free. */
export const MESSAGES_A_REQUEST = 20;
/** An object is charged as if it had this much memory, whatever it uses. */
export const OBJECT_GB = 0.128;

export const PRICES = {
  requests: { name: "Worker requests", unit: "requests", included: 10e6, million: 0.3 },
  processor: { name: "Worker processor time", unit: "ms", included: 30e6, million: 0.02 },
  objectRequests: { name: "object requests", unit: "requests", included: 1e6, million: 0.15 },
  duration: { name: "object duration", unit: "GB-s", included: 400_000, million: 12.5 },
  objectRowsRead: { name: "object rows read", unit: "rows", included: 25e9, million: 0.001 },
  objectRowsWritten: { name: "object rows written", unit: "rows", included: 50e6, million: 1 },
  databaseRowsRead: { name: "D1 rows read", unit: "rows", included: 25e9, million: 0.001 },
  databaseRowsWritten: { name: "D1 rows written", unit: "rows", included: 50e6, million: 1 },
} as const satisfies Readonly<Record<string, Price>>;

export type Charged = keyof typeof PRICES;
