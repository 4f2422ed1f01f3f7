/** Where this machine's gateway is, as far as its services must know: its port on loopback, and whose home holds its state. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { USERS, type LayoutOptions } from "../host/units/layout.ts";
import type { GatewayReference } from "../host/state.ts";

const STATE_DIRECTORY = ".openclaw";

export function gatewayPlaceOf(
  gateway: GatewayReference,
  passwd = readFileSync("/etc/passwd", "utf8"),
): Pick<LayoutOptions, "gatewayPort" | "gatewayHome"> {
  const home = homeOf(passwd);
  const port = gateway.kind === "local" && gateway.url !== undefined ? Number(new URL(gateway.url).port) : 0;
  return { ...(port === 0 ? {} : { gatewayPort: port }), ...(home === undefined ? {} : { gatewayHome: home }) };
}

/** The gateway's own user first; else whoever has a gateway's state. */
function homeOf(passwd: string): string | undefined {
  const homes = passwd.split("\n").flatMap((line): readonly (readonly [string, string])[] => {
    const [name = "", , , , , home = ""] = line.split(":");
    return home.startsWith("/") && existsSync(join(home, STATE_DIRECTORY)) ? [[name, home]] : [];
  });
  return (homes.find(([name]) => name === USERS.gateway) ?? homes[0])?.[1];
}
