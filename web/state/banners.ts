/**
 * Which of the honest banners hold, in their fixed order. Pure; words are in components/banners.tsx.
 * None can be dismissed while it is true.
 */
import type { PersonView } from "./people.ts";
import type { HostView, LedgerFailure, LedgerStatus, OriginClass, Passkey } from "./backend.ts";

export type BannerKind =
  | ({ readonly kind: "ledger-broken" } & LedgerFailure)
  | { readonly kind: "not-confirmed"; readonly hosts: readonly string[] }
  | { readonly kind: "one-user" }
  /** `eligible`: how many hosts could witness it. */
  | { readonly kind: "never-witnessed"; readonly eligible: number }
  | { readonly kind: "one-passkey"; readonly onlyAdministrator: boolean }
  | { readonly kind: "grants-ending"; readonly people: readonly string[]; readonly isOver: boolean }
  | { readonly kind: "from-edge" }
  | { readonly kind: "demo" };

export interface BannerFacts {
  readonly hosts: readonly HostView[];
  readonly originClass: OriginClass;
  readonly ledger: LedgerStatus;
  readonly passkeys?: readonly Passkey[] | undefined;
  /** Nobody else could let this person in again. */
  readonly onlyAdministrator?: boolean;
  /** Whose roles end within the notice, or ended. */
  readonly ending?: readonly PersonView[] | undefined;
}

export function bannersOf({ hosts, originClass, ledger, ...rest }: BannerFacts): readonly BannerKind[] {
  const { passkeys, onlyAdministrator = false, ending = [] } = rest;
  const behind = hosts.filter((host) => host.trustBehind === true).map((host) => host.label);
  const admitted = hosts.filter((host) => host.admission === "admitted");
  const found: (BannerKind | false)[] = [
    ledger.failure !== undefined && { kind: "ledger-broken", ...ledger.failure },
    behind.length > 0 && { kind: "not-confirmed", hosts: behind },
    admitted.some((host) => host.telemetry?.host.oneUser === true) && { kind: "one-user" },
    // Until this browser has looked, it does not know.
    admitted.length > 0 &&
      ledger.verified > 0 &&
      ledger.witness.size === 0 && { kind: "never-witnessed", eligible: ledger.witness.eligible },
    passkeys?.length === 1 && { kind: "one-passkey", onlyAdministrator },
    ending.length > 0 && {
      kind: "grants-ending",
      people: ending.map(({ name }) => name),
      isOver: ending.some((one) => one.ending !== "soon"),
    },
    originClass === "daily" && { kind: "from-edge" },
    admitted.some((host) => host.telemetry?.gateway.demo === true) && { kind: "demo" },
  ];
  return found.filter((one) => one !== false);
}
