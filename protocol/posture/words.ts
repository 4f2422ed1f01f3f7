/**
 * The words of posture: what a check can find, how strong its evidence is, and how much it matters. Pure lists, shared by
 * the host that finds, the edge that counts and the page that shows.
 */

/**
 * `unverified`: what was seen looks right, but it was not seen with the evidence that this check needs. `error`: looking went
 * wrong. Neither ever counts as a pass.
 */
export const checkStates = ["pass", "fail", "not_applicable", "error", "unverified"] as const;
export type CheckState = (typeof checkStates)[number];

/**
 * From weak to strong. `declared`: text of a file. `effective`: what the program says it made of it (`sshd -T`).
 * `runtime`: what the kernel says (/proc, sockets). `probed`: it was tried, and the answer seen.
 */
export const evidenceLevels = ["declared", "effective", "runtime", "probed"] as const;
export type EvidenceLevel = (typeof evidenceLevels)[number];

export const checkSeverities = ["critical", "high", "medium", "low"] as const;
export type CheckSeverity = (typeof checkSeverities)[number];

export const checkAreas = ["gateway", "ssh", "network", "identity", "secrets", "integrity"] as const;
export type CheckArea = (typeof checkAreas)[number];

/**
 * What mending can cost. `none`: Clawhold does not mend it. `safe`: nothing that is used stops. `downtime`: the gateway
 * restarts. `lockout`: a mistake could shut the owner out, so it undoes itself unless it is proven.
 */
export const fixRisks = ["none", "safe", "downtime", "lockout"] as const;
export type FixRisk = (typeof fixRisks)[number];

export const grades = ["A", "B", "C", "D", "F"] as const;
export type Grade = (typeof grades)[number];

/** Fast: every minute. Slow: daily, what walks file systems or asks package managers. */
export const scanLanes = ["fast", "slow"] as const;
export type ScanLane = (typeof scanLanes)[number];

export function isAtLeast(level: EvidenceLevel, needed: EvidenceLevel): boolean {
  return evidenceLevels.indexOf(level) >= evidenceLevels.indexOf(needed);
}
