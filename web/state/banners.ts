/**
 * Which of the honest banners hold, in their fixed order. Pure; words are in components/banners.tsx.
 * None can be dismissed while it is true.
 */
import type { PersonView } from "./people.ts";
import type { HostView, LedgerStatus, OriginClass, Passkey } from "./backend.ts";

export type BannerKind =
  | { readonly kind: "ledger-broken"; readonly index: number; readonly reason: string }
  | { readonly kind: "not-confirmed"; readonly hosts: readonly string[] }
  | { readonly kind: "one-user" }
  | { readonly kind: "never-witnessed" }
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
    admitted.length > 0 && ledger.witness.cosigned === 0 && { kind: "never-witnessed" },
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
