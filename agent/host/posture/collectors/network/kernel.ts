/** The kernel's own settings about packets that lie about where they come from or want to go. */
import type { Machine } from "../../machine.ts";
import type { Forwards } from "./interfaces.ts";

/** Values that are right. `each`: the kernel uses an interface's own value too, so every one counts. */
interface Wanted {
  readonly name: string;
  readonly right: readonly string[];
  readonly isPerInterface: boolean;
}

const perInterface = (family: "ipv4" | "ipv6", setting: string, ...right: readonly string[]): Wanted => ({
  name: `net/${family}/conf/*/${setting}`,
  right,
  isPerInterface: true,
});

const wanted: readonly Wanted[] = [
  perInterface("ipv4", "rp_filter", "1", "2"),
  perInterface("ipv4", "accept_redirects", "0"),
  perInterface("ipv4", "secure_redirects", "0"),
  perInterface("ipv4", "send_redirects", "0"),
  perInterface("ipv4", "accept_source_route", "0"),
  perInterface("ipv4", "log_martians", "1"),
  perInterface("ipv6", "accept_redirects", "0"),
  perInterface("ipv6", "accept_source_route", "0"),
  { name: "net/ipv4/tcp_syncookies", right: ["1", "2"], isPerInterface: false },
  { name: "net/ipv4/icmp_echo_ignore_broadcasts", right: ["1"], isPerInterface: false },
];

export interface WrongSetting {
  /** As sysctl writes it. */
  readonly name: string;
  readonly value: string;
  readonly right: string;
}

export interface KernelSettings {
  readonly wrong: readonly WrongSetting[];
  readonly raw: string;
}

/**
 * `all` and `default`, and every interface whose own value the kernel would use. Undefined: nothing of it can be read. A family
 * that this kernel does not have is no fault.
 */
export async function readKernelSettings(
  machine: Machine,
  interfaces: readonly string[],
): Promise<KernelSettings | undefined> {
  const rows = await Promise.all(
    wanted.flatMap((one) => placesOf(one, interfaces).map((path) => readRow(machine, one, path))),
  );
  const found = rows.flatMap((row) => (row === undefined ? [] : [row]));
  if (found.length === 0) return undefined;
  const values = new Map(found.map(({ path, value }) => [path, value]));
  const wrong = found
    .filter(({ path, value, one }) => !one.right.includes(value) && !isOverruled(path, values))
    .map(({ path, value, one }) => ({ name: nameOf(path), value, right: one.right.join(" or ") }));
  return { wrong, raw: found.map(({ path, value }) => `${nameOf(path)} = ${value}`).join("\n") };
}

/** sysctl writes a dot for each slash, and a slash for the dot of a VLAN's name. */
function nameOf(path: string): string {
  return path.replaceAll(/[./]/g, (mark) => (mark === "/" ? "." : "/"));
}

function placesOf({ name, isPerInterface }: Wanted, interfaces: readonly string[]): readonly string[] {
  if (!isPerInterface) return [name];
  return ["all", "default", ...interfaces].map((one) => name.replace("*", one));
}

async function readRow(
  machine: Machine,
  one: Wanted,
  path: string,
): Promise<{ readonly one: Wanted; readonly path: string; readonly value: string } | undefined> {
  const file = await machine.read(`/proc/sys/${path}`);
  return file.kind === "text" ? { one, path, value: file.text.trim() } : undefined;
}

/** Where the kernel takes the larger of `all` and its own (rp_filter), or wants both (source routes), `all` alone decides. */
function isOverruled(path: string, values: ReadonlyMap<string, string>): boolean {
  const [, family, , place, setting] = path.split("/");
  if (place === "all" || place === "default") return false;
  const all = values.get(`net/${family ?? ""}/conf/all/${setting ?? ""}`);
  if (setting === "rp_filter") return all === "1" || all === "2";
  if (setting === "accept_source_route" && family === "ipv4") return all === "0";
  return setting === "log_martians" && all === "1";
}

export async function readForwards(machine: Machine): Promise<Forwards> {
  const [four, six] = await Promise.all(
    ["/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"].map((path) => machine.read(path)),
  );
  const isOn = (file: typeof four): boolean => file?.kind === "text" && file.text.trim() !== "0";
  return { 4: isOn(four), 6: isOn(six) };
}
