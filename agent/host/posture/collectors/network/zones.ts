/**
 * What each network of the machine is for, as somebody decided and signed it: lines in the file of our own rules. A line is a
 * wish; what comes in is read from the kernel's rules and held against it.
 */
import { zoneRoles } from "../../../../../protocol/posture/options.ts";

export type ZoneRole = (typeof zoneRoles)[number];

export interface Zone {
  readonly interface: string;
  readonly role: ZoneRole;
  /** "tcp/443": what may come in. Undefined: whatever the firewall lets in. */
  readonly lets: readonly string[] | undefined;
}

export const ZONES_FILE = "/etc/clawhold/nft/clawhold_zones.nft";

export function zoneLine({ interface: name, role, lets }: Zone): string {
  return `# zone ${name} ${role} ${lets === undefined ? "as the firewall says" : lets.join(" ")}`.trimEnd();
}

export function zonesIn(text: string): readonly Zone[] {
  return [...text.matchAll(/^# zone (\S{1,15}) (\S+)(?: (.*))?$/gm)].flatMap(
    ([, name = "", said, rest = ""]): Zone[] => {
      const role = zoneRoles.find((one) => one === said);
      if (role === undefined) return [];
      const lets = rest === "as the firewall says" ? undefined : rest.split(" ").filter(Boolean);
      return [{ interface: name, role, lets }];
    },
  );
}
