/**
 * Single checks within the layers, each proven as the layers are: the agent as it ships refuses, an agent without
 * exactly this check runs the same attack. All of them in a team.
 */
import type { Attack } from "./attack.ts";
import { cut, type Layer } from "./layer-table.ts";
import {
  afterTheEnd,
  afterTheEndOfSeveral,
  byAnotherOperator,
  byTheKeyOfOne,
  inOnesOwnName,
  otherwiseSpelt,
  somebodyElsesAmong,
} from "./session-ends.ts";
import type { Cut } from "./agent-build.ts";
import { alone, bentForTwo, bindings } from "./team-commands.ts";
import { beyondTheGrant, byMachine, forgedByMachine, machineAlone } from "./team-machines.ts";
import { ofAnother } from "./team-sessions.ts";
import { underAFork } from "./team-trust.ts";

const AUTHOR = "protocol/verify/author.ts";
const AUTHORITY = "protocol/verify/authority.ts";
const APPROVALS = "protocol/verify/approvals.ts";
const VERIFY = "protocol/verify.ts";
const SESSION_END = "protocol/verify/session-end.ts";
const COMMANDS = "agent/host/warden/commands.ts";

const forTwo = (rows: typeof alone): Layer["attacks"] =>
  rows.map(([name, rule, bend]) => ({ name, rule, run: bentForTwo(bend) }));

/** Ends that a host obeys without the check; nothing runs, but somebody is kept from commanding. */
const endings = (layer: string, made: Cut, attacks: readonly Attack[]): Layer => ({
  layer,
  // What a host keeps is of whoever the word names, so a word about somebody else's session needs both to be gone.
  cuts: [made, cut("agent/host/warden/session-ends.ts", "return `${person} ${session}`;", "return session;")],
  attacks,
});

const whoMayEnd: readonly Layer[] = [
  endings(
    "touch for the end of several",
    cut(SESSION_END, "const [session] = end.session === undefined ? [] : sessions;", "const [session] = sessions;"),
    [byTheKeyOfOne],
  ),
  endings(
    "role of whoever ends a session",
    cut(
      SESSION_END,
      `if (person !== end.person && !hasPermission(trust, person, { permission: "workspace.administer", now }))
         throw new Refused("role");`,
    ),
    [byAnotherOperator],
  ),
  endings(
    "person of each session that ends",
    cut(SESSION_END, 'if (session.person !== person) throw new Refused("people");'),
    [inOnesOwnName, somebodyElsesAmong],
  ),
  endings(
    "one spelling of an end",
    cut(
      "protocol/messages.ts",
      'v.check((all) => all.every((one, i) => i === 0 || (all[i - 1] ?? "") < one), "sorted and unique"),',
    ),
    otherwiseSpelt,
  ),
];

export const checks: readonly Layer[] = [
  {
    layer: "number of people",
    cuts: [
      cut(AUTHORITY, 'if (countPeople(trust, people, now) < needed) throw new Refused("people");'),
      cut(
        AUTHORITY,
        `if (operation.alwaysOnePerson !== true && peopleNeeded(trust, intent.operation, host) > 1)
           throw new Refused("people");`,
      ),
    ],
    attacks: [...forTwo(alone), machineAlone],
  },
  {
    layer: "binding of a proposal",
    cuts: [
      cut(APPROVALS, 'if (digestOf("proposal", bytes) !== intent.proposal) throw new Refused("proposal");'),
      cut(APPROVALS, 'if (!equalBytes(proposed(proposal), proposed(intent))) throw new Refused("proposal");'),
    ],
    attacks: forTwo(bindings),
  },
  {
    layer: "grant of an automation key",
    cuts: [
      cut(
        AUTHORITY,
        'if (granted === undefined || !coversHost(trust, key, host)) throw new Refused("automation_limit");',
        "if (granted === undefined) return;",
      ),
      cut(VERIFY, "judgeAsking(prepare.operation, author, view);"),
      cut(VERIFY, "judgeRate(author, view);"),
      cut(AUTHOR, "if (key === undefined || view.now > key.until)", "if (key === undefined)"),
    ],
    attacks: beyondTheGrant,
  },
  {
    layer: "signature of an automation key",
    cuts: [
      cut(
        AUTHOR,
        `if (!(await verifySignature({ kind, body, signature, publicKey: key.publicKey })))
           throw new Refused("automation_key");`,
      ),
    ],
    attacks: [
      forgedByMachine,
      { ...forgedByMachine, name: "signed by a session key", run: byMachine({ bend: bySession }) },
    ],
  },
  {
    layer: "person of a successor key",
    cuts: [cut(AUTHOR, 'if (!verdict.ok || person !== session.person) throw new Refused("session_key");')],
    attacks: [ofAnother],
  },
  {
    layer: "end of a session",
    cuts: [
      cut(AUTHOR, 'if (view.isSessionEnded(digest, person)) throw new Refused("session_revoked");'),
      cut(COMMANDS, 'return isEnded ? "session_revoked" : undefined;', "return undefined;"),
    ],
    attacks: [
      { name: "by its own key", rule: "session_revoked", run: afterTheEnd(false, () => Promise.resolve()) },
      { name: "by an administrator", rule: "session_revoked", run: afterTheEnd(true, () => Promise.resolve()) },
      { name: "several by one touch", rule: "session_revoked", run: afterTheEndOfSeveral(() => Promise.resolve()) },
    ],
  },
  ...whoMayEnd,
  {
    layer: "freeze",
    cuts: [
      cut(
        VERIFY,
        'function judgeTrustHead(head: TrustHead, trust: TrustState): void { if (trust.frozen !== undefined) throw new Refused("trust_frozen");',
        "function judgeTrustHead(head: TrustHead, trust: TrustState): void {",
      ),
      cut(VERIFY, 'if (view.trust.frozen !== undefined) throw new Refused("trust_frozen");'),
      cut(COMMANDS, 'if (state.frozen !== undefined) return "trust_frozen";'),
    ],
    attacks: [underAFork],
  },
];

function bySession(...[draft, { town }]: Parameters<NonNullable<Parameters<typeof byMachine>[0]["bend"]>>): void {
  draft.signer = town.actors.otto.sessionKey;
}
