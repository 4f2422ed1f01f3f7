/** What was reached from inside a gateway's service, in sentences. */
import type { InsideRow } from "../../collectors/identity/within.ts";
import type { FactReader } from "../../facts.ts";
import type { InsideTry } from "../../inside.ts";
import type { Shortfalls } from "../../judge.ts";
import { of } from "../gateway/rows.ts";

/**
 * Not held against a service: an agent is there to run what it writes, and a shell runs a file that may not be run by itself, so
 * forbidding it stops nobody. It is tried and told all the same.
 */
type Told = "exec-state";

const SENTENCES: Readonly<Record<Exclude<InsideTry, Told>, string>> = {
  shadow: "the file of password hashes can be read",
  root: "root's home can be read",
  homes: "another person's home can be read",
  processes: "processes of other users can be seen",
  mount: "a file system can be mounted",
  unshare: "a user namespace can be made, which has root's rights inside",
  "write-usr": "/usr can be written",
  "write-etc": "/etc can be written",
  bind: "any port can be listened on",
  capabilities: "it has capabilities of root",
  seccomp: "system calls are not filtered, or rights can be gained",
};

export function insideShortfalls({ gateway, answer, canForbidBinding }: InsideRow, reader: FactReader): Shortfalls {
  const names = Object.keys(SENTENCES) as Exclude<InsideTry, Told>[];
  return (
    names
      .filter((name) => answer[name] === "reached")
      // Where the system cannot forbid it no service can pass; the firewall is asked elsewhere what a port is worth.
      .filter((name) => name !== "bind" || canForbidBinding)
      .map((name) => of(gateway, reader, `from inside the gateway's service ${SENTENCES[name]}`))
  );
}
