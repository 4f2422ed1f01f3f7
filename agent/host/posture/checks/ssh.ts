/** How each check of the one door that stays open is judged. */
import type { sshChecks } from "../../../../protocol/posture/ssh.ts";
import { clause, extra, type Judgement, type Shortfalls } from "../judge.ts";
import type { FactReader } from "../facts.ts";
import type { Drift } from "../baseline.ts";
import type { Daemon } from "../collectors/ssh/daemon.ts";
import type { HostKeys, Keys } from "../collectors/ssh/keys.ts";
import { octal } from "../collectors/ssh/keys.ts";
import type { Methods } from "../collectors/ssh/probe.ts";
import { nameOf } from "../collectors/ssh/probe.ts";
import { algorithmShortfalls } from "./ssh/algorithms.ts";
import {
  forwardingShortfalls,
  interactiveShortfalls,
  limitShortfalls,
  passwordShortfalls,
  rootShortfalls,
} from "./ssh/settings.ts";

/** RSA below this is broken by states; NIST SP 800-131A disallows it. */
const MIN_RSA_BITS = 2_048;
const USUAL_PORT = 22;

/** Another server than OpenSSH is not exempt: it is a door that we cannot read. */
function exempt(reader: FactReader): string | undefined {
  const daemon = reader.get("ssh.daemon");
  if (daemon.kind === "unknown") return undefined;
  if (daemon.value.state === "absent") return "sshd_absent";
  return daemon.value.state === "stopped" ? "sshd_stopped" : undefined;
}

function offering({ seen }: Methods, method: string): Shortfalls {
  return seen.flatMap((one) => {
    if (one.methods.includes("none")) return [`${nameOf(one)} lets ${one.user} in without any proof`];
    return one.methods.includes(method) ? [`${nameOf(one)} offers ${method} to ${one.user}`] : [];
  });
}

function usualPort({ state, listens }: Daemon): Shortfalls {
  const usual = listens.filter(({ port }) => port === USUAL_PORT);
  const who = state === "activated" ? "systemd listens for sshd" : "sshd listens";
  return usual.map((one) => `${who} on ${nameOf(one)}`);
}

function keyShortfalls({ files, elsewhere }: Keys): Shortfalls {
  const weak = files.flatMap(({ path, keys }) =>
    keys.flatMap(({ fingerprint, type, bits }) => {
      const name = `${path}: ${fingerprint}`;
      if (type === "ssh-dss") return [`${name} is a DSA key`];
      return bits !== undefined && bits < MIN_RSA_BITS ? [`${name} is RSA of ${String(bits)} bits`] : [];
    }),
  );
  const open = files.filter(({ keys }) => keys.length > 0).flatMap(({ weaknesses }) => weaknesses);
  return [...open, ...weak, ...elsewhere.map((one) => `${one} gives out keys that cannot be listed`)];
}

function keyDriftShortfalls({ added, changed }: Drift): Shortfalls {
  return [
    ...added.map((name) => `a key that nobody approved: ${name}`),
    ...changed.map((name) => `a key with other options than approved: ${name}`),
  ];
}

function hostKeyShortfalls({ keys }: HostKeys): Shortfalls {
  return keys.flatMap(({ path, uid, mode, type, bits }) => [
    ...(uid === 0 ? [] : [`${path} belongs to user number ${String(uid)}`]),
    ...((mode & 0o077) === 0 ? [] : [`${path} can be read by others (mode ${octal(mode)})`]),
    ...(type === "ssh-dss" ? [`${path} is a DSA key`] : []),
    ...(bits !== undefined && bits < MIN_RSA_BITS ? [`${path} is RSA of ${String(bits)} bits`] : []),
  ]);
}

function allowShortfalls(reader: FactReader): Shortfalls {
  const effective = reader.get("ssh.effective");
  const names = reader.get("ssh.names");
  if (effective.kind === "unknown" || names.kind === "unknown") return [];
  const found: string[] = [];
  for (const { label, settings } of effective.value.answers) {
    const whom = label === undefined ? "" : ` for ${label}`;
    const words = (keyword: string): readonly string[] =>
      (settings[keyword] ?? []).flatMap((value) => value.split(/\s+/));
    const users = words("allowusers");
    const groups = words("allowgroups");
    if (users.length + groups.length === 0) {
      found.push(`neither AllowUsers nor AllowGroups names anybody${whom}`);
      continue;
    }
    for (const pattern of users) {
      const name = pattern.split("@")[0] ?? "";
      if (/[*?]/.test(name)) found.push(`AllowUsers ${pattern} takes more than one name${whom}`);
      else if (!name.startsWith("!") && !names.value.users.includes(name))
        found.push(`AllowUsers names ${name}, who does not exist${whom}`);
    }
    for (const name of groups) {
      if (/[*?]/.test(name)) found.push(`AllowGroups ${name} takes more than one group${whom}`);
      else if (!name.startsWith("!") && !names.value.groups.includes(name))
        found.push(`AllowGroups names ${name}, which does not exist${whom}`);
    }
  }
  return [...new Set(found)];
}

export const sshJudgements = {
  "ssh.password-auth": {
    exempt,
    clauses: [
      clause("ssh.effective", passwordShortfalls),
      clause("ssh.methods", (methods) => offering(methods, "password")),
    ],
  },
  "ssh.root-login": { exempt, clauses: [clause("ssh.effective", rootShortfalls)] },
  "ssh.kbdint": {
    exempt,
    clauses: [
      clause("ssh.effective", interactiveShortfalls),
      clause("ssh.methods", (methods) => offering(methods, "keyboard-interactive")),
    ],
  },
  "ssh.port.nonstandard": {
    exempt,
    clauses: [
      clause("ssh.daemon", usualPort),
      // Whoever listens there: a second sshd, a forwarded port.
      clause("ssh.usual-port", ({ answers }) => answers.map((address) => `${address}:22 answers as SSH`)),
    ],
  },
  "ssh.auth.limits": { exempt, clauses: [clause("ssh.effective", limitShortfalls)] },
  "ssh.crypto": { exempt, clauses: [clause("ssh.offers", ({ seen }) => algorithmShortfalls(seen))] },
  "ssh.forwarding": { exempt, clauses: [clause("ssh.effective", forwardingShortfalls)] },
  "ssh.allowlist": {
    exempt,
    clauses: [clause("ssh.effective", (_, reader) => allowShortfalls(reader)), extra("ssh.names", () => [])],
  },
  "ssh.keys.inventory": {
    exempt,
    clauses: [clause("ssh.keys", keyShortfalls), clause("ssh.keys.drift", keyDriftShortfalls)],
  },
  "ssh.hostkeys": { exempt, clauses: [clause("ssh.hostkeys", hostKeyShortfalls)] },
} satisfies Record<keyof typeof sshChecks, Judgement>;
