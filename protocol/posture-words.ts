/**
 * What posture says to people, wherever it is read: the browser, the terminal, an exported page. A code without a row is shown as
 * it is: it comes from a host that is newer than whoever reads it.
 */
import type { CheckArea, CheckSeverity, CheckState, EvidenceLevel, FixRisk } from "./posture/words.ts";

export const stateWords = {
  pass: "holds",
  fail: "fails",
  not_applicable: "does not apply",
  error: "looking went wrong",
  unverified: "not verified",
} as const satisfies Record<CheckState, string>;

export const severityWords = {
  critical: "Critical",
  high: "High",
  medium: "Medium",
  low: "Low",
} as const satisfies Record<CheckSeverity, string>;

export const areaWords = {
  gateway: "Gateway",
  ssh: "SSH",
  network: "Network",
  identity: "Users and units",
  secrets: "Secrets",
  integrity: "Integrity",
} as const satisfies Record<CheckArea, string>;

/** How it is known, from weak to strong. */
export const levelWords = {
  declared: "a file says so",
  effective: "the program itself says so",
  runtime: "the kernel says so",
  probed: "it was tried",
} as const satisfies Record<EvidenceLevel, string>;

export const riskWords = {
  none: "Clawhold does not mend this by itself.",
  safe: "Nothing that is used stops.",
  downtime: "The gateway restarts for it.",
  lockout: "A mistake here could shut you out, so it undoes itself unless the way in is proven.",
} as const satisfies Record<FixRisk, string>;

/** Why a check does not apply, could not be seen, or cannot be mended now. */
const reasonWords: Readonly<Record<string, string>> = {
  // What a look needs and did not get (agent/host/posture/fact.ts)
  not_root: "Only root may see this, and the agent did not run as root.",
  missing_tool: "The program that would say it is not installed.",
  not_run: "Nobody looked yet: it belongs to the daily look, or to one from outside.",
  stale: "It was last seen more than a day ago.",
  timeout: "It took too long to answer.",
  failed: "Asking failed.",
  malformed: "The answer was not one that is understood.",
  gateway_down: "Only a running gateway could have said it.",
  not_approved: "It was seen, and nobody said that it is as it should be.",
  secret_unknown: "The gateway would say it only to whoever shows its secret, which the agent does not have.",
  foreign_listener: "Another user's program listens there, so it was shown no secret.",
  not_visible: "This machine does not show it.",
  contained: "It runs in a container, and from outside of it not all can be seen.",
  unread_rules: "The packet filter has rules that could not be read, so nobody can say what they let in.",
  // Why a check does not apply here
  sshd_absent: "There is no SSH server on this machine.",
  sshd_stopped: "The SSH server does not run.",
  list_old: "The list of published advisories is more than half a year old.",
  no_gateway: "No gateway was found on this machine.",
  no_agent: "Clawhold was not installed on this machine as its own users.",
  no_systemd: "This machine has no systemd.",
  no_service: "The gateway does not run as a service.",
  no_ban_service: "No service that bans runs here; that it is missing is said by another check.",
  no_web_server: "No web server answers the public from this machine.",
  no_vpn: "This machine is in no VPN.",
  one_network: "This machine is in one network only.",
  no_metadata_service: "No cloud's metadata address answers here.",
  tailscale_absent: "Tailscale is not on this machine.",
  hooks_off: "The gateway takes no hooks.",
  not_built: "This agent is older than the check.",
  evidence_too_weak: "What was seen looks right, but it was not seen with evidence strong enough to say so.",
  // What a plan or a fix met
  by_operation: "One of the gateway's own commands on this page mends it.",
  busy: "Another fix is under way on this host.",
  plan_changed: "The machine is not any more as the plan was shown for.",
  another_armed: "An earlier fix still waits for its proof.",
  drifted: "Somebody changed a file of ours by hand, so it was not written over.",
  foreign_file: "A file of that name is there and is not ours, so it was not touched.",
  path_in_use: "Something else stands where the fix would write.",
  dry_check_failed: "The program itself said that it would not take the change, so nothing was applied.",
  packages_failed: "A package that it needs could not be installed.",
  undo_later_first: "A later fix stands on this one: undo that first.",
  no_such_fix: "The host does not keep that fix any more.",
  malformed_order: "The host did not understand the order.",
  nothing_seen: "The host has not been looked at yet.",
  no_remedy: "Clawhold does not mend this by itself.",
  no_web_log: "No access log of a web server was found.",
  other_firewall: "Another firewall runs here, and two hide each other: use it, or remove it first.",
  no_admins: "It needs the addresses of administrators, and none is known.",
  own_rules: "Rules that are not of Clawhold drop already what is not listed. They are left alone.",
  firewall_off: "There is no firewall yet: mend that first.",
  no_unit: "The unit that would do it is not on this machine.",
  nft_absent: "The program nft is missing: install nftables on the machine.",
  gateway_not_found: "No gateway was found on this machine.",
  gateway_is_root: "The gateway runs as root: move it to a user of its own first.",
  no_interfaces: "An interface that was named is not there or not up, or was named twice.",
  no_management: "Nobody could prove that he reaches SSH over the management network, so nothing was shut.",
  sshd_earlier_line:
    "A line of SSH's own configuration is read before any file of ours: the plan names it, and it is changed by hand.",
  no_key: "No user who can become root has a key that SSH would take: put yours there first, and sign in with it once.",
  sshd_port_by_hand:
    "A line of SSH's own configuration says where it listens: the plan names it, and it is removed by hand.",
  port_taken: "Something else uses that port.",
  no_apt: "This system has no apt.",
  no_sign_in: "Nobody signed in with a key in time to prove that it still works, so it undid itself.",
  apply_failed: "A step did not work, so all of it was undone.",
  disk_full: "The machine's disk is full, so nothing was applied.",
  not_proven: "The way in was not proven in time, so it undid itself.",
  // What stands in the way of a gateway's move to a user of its own
  gateway_not_running: "No gateway answers here: start it first, because a move proves that it answers as before.",
  several_gateways: "Programs of several users listen on the gateway's port: stop all but one first.",
  gateway_in_container:
    "The gateway runs in a container, which has users of its own: set one in the container's settings.",
  gateway_by_hand: "The gateway was started by hand: make it a service first (openclaw gateway install), then move it.",
  started_by_cron: "A crontab of its user starts a gateway: take that line out first.",
  command_not_plain: "Its service starts it through another program: let it name node and openclaw themselves.",
  secret_in_command: "Its service has a secret among its arguments: put it into the configuration first.",
  program_of_user:
    "Node or OpenClaw belongs to its user, or cannot be read by others: install both for the whole machine.",
  state_not_found: "Its state directory was not found, or is a link: the plan names it.",
  config_outside_state: "Its configuration is outside of its state directory: put it there first.",
  paths_outside_state:
    "Its configuration names a place in its user's home that another user cannot reach: the plan says which.",
  state_too_large: "Its state is too large to be copied while it waits: move old files of it away first.",
  no_room: "Its state is copied, and the disk has no room for that.",
  openclaw_user_taken: "There is a user or a directory openclaw already that is in use: the plan says which.",
  not_armed: "The timer that undoes it could not be set, so nothing was applied.",
  restarted: "The machine restarted before it was proven, so it undid itself.",
  interrupted: "It was cut short, and undid itself.",
};

export function explainReason(code: string): string | undefined {
  return Object.hasOwn(reasonWords, code) ? reasonWords[code] : undefined;
}

/** For a place where a sentence must stand. */
export function reasonSentence(code: string): string {
  return explainReason(code) ?? `The host says: ${code}.`;
}
