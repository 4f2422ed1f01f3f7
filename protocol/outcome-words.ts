/**
 * What a receipt's `reason` says to people: what happened, and the next step. Beside the verdict `failed` it is why; beside
 * `executed` it is what is left to do. The codes are the host's own (`observed.reason`): add, never rename. An unknown one,
 * of a newer host, is shown as it is.
 */
import { lookOutcomeWords } from "./posture/outside-words.ts";

export interface OutcomeWords {
  readonly what: string;
  readonly next: string;
}

const LOOK = "Look at the list again, and ask anew if it is still wanted.";
const LOG = "Look at the gateway's state and log on this page, then ask anew.";

export const outcomeWords: Readonly<Record<string, OutcomeWords>> = {
  // Between what was shown and what is there
  changed: { what: "It is not any more what you were shown, so nothing was done.", next: LOOK },
  changed_meanwhile: {
    what: "Somebody else wrote the configuration after this change, so it was not taken back.",
    next: "Look at the versions, and roll back the one that is wrong.",
  },
  gone: { what: "It is not there any more, so nothing was done.", next: LOOK },
  exists: {
    what: "One of that name is there already, so nothing was made.",
    next: "Choose another name.",
  },
  version_gone: {
    what: "That version is not kept any more.",
    next: "Choose one that the list shows.",
  },
  no_such_version: {
    what: "That version is not kept any more.",
    next: "Choose one that the list shows.",
  },
  work_differs: {
    what: "The job says another kind of work than the command did, so nothing was done.",
    next: "Open the job again and ask anew. If it happens twice, the page is not to be trusted: use the signer.",
  },
  too_many_changes: {
    what: "Rolling back to that version would change more places than the page can show, so nothing was written.",
    next: "Roll back to a newer version first, or change the places that are wrong by themselves.",
  },
  change_invalid: {
    what: "The change does not fit what is there, so nothing was written.",
    next: "Open the configuration again and make the change anew.",
  },
  // The gateway would not, or could not
  schema: {
    what: "The gateway's own schema does not take this change, so nothing was written.",
    next: "Look at what the gateway takes at that place, and change the value.",
  },
  config_invalid: {
    what: "The gateway's configuration file is not valid now, so nothing was written.",
    next: "Roll back to a version that it takes.",
  },
  config_pending: {
    what: "The file says something else than what the gateway runs, so nothing was written.",
    next: "Restart the gateway, look at its configuration, and ask anew.",
  },
  rolled_back: {
    what: "The gateway did not come back well with the change; the version before is back.",
    next: "Look at the gateway's log for why.",
  },
  rollback_failed: {
    what: "The gateway did not come back well, and the version before could not be put back.",
    next: "Look at the machine now: its configuration may be half changed.",
  },
  not_written: { what: "The gateway did not write the change.", next: LOG },
  version_not_kept: {
    what: "It is done, but the version could not be kept.",
    next: "See whether the machine's disk is full.",
  },
  version_unknown: {
    what: "Nobody has tried this version of the gateway with Clawhold, so it is shown and stopped, not changed.",
    next: "Update the agent on this host.",
  },
  unsupported: {
    what: "This host's agent cannot do that.",
    next: "Update the agent on this host.",
  },
  no_new_boot: { what: "The gateway did not come back within a minute and a half.", next: LOG },
  gateway: { what: "The gateway did not answer as it should.", next: LOG },
  gateway_unreachable: {
    what: "The gateway does not answer, so nothing was done.",
    next: "Start the gateway.",
  },
  gateway_unavailable: {
    what: "The gateway said that it cannot do this now: it starts, or manages this by itself.",
    next: "Wait a minute and ask anew.",
  },
  gateway_timeout: { what: "The gateway took too long to answer.", next: LOG },
  gateway_closed: { what: "The gateway ended the connection before anything was done.", next: LOG },
  gateway_unauthorized: {
    what: "The gateway does not accept this host's agent any more.",
    next: "Type clawhold status on the machine; it says how to pair again.",
  },
  gateway_scope: {
    what: "The gateway gave this host's agent fewer rights than this needs.",
    next: "Approve the agent's device in the gateway, on the machine.",
  },
  gateway_unsupported: {
    what: "The gateway speaks another protocol.",
    next: "Update the agent on this host.",
  },
  gateway_refused: { what: "The gateway refused it.", next: LOG },
  gateway_hostile: {
    what: "The gateway answered with something that no gateway answers.",
    next: "Treat it as taken over: lock it down or kill it, and look at the machine.",
  },
  gateway_busy: {
    what: "Too many questions to the gateway are under way.",
    next: "Wait a minute and ask anew.",
  },
  gateway_foreign: {
    what: "Another user's program answers in the gateway's place, so it was shown no secret.",
    next: "Look at what listens on the gateway's port.",
  },
  // Whether it is so
  not_seen: {
    what: "The gateway was told, and does not show it as done.",
    next: "Look at the list again before asking anew.",
  },
  outcome_unknown: {
    what: "The gateway was told, and nobody can tell whether it did it.",
    next: "Look at the gateway when it answers again, before asking anew.",
  },
  half_done: {
    what: "Only part of it is done.",
    next: "Look at what is there, then ask anew or go back to a version.",
  },
  not_so: { what: "The gateway says that it is done, and it is not so.", next: LOG },
  still_running: {
    what: "It still runs.",
    next: "Try once more; if it goes on, end it on the machine itself.",
  },
  not_permitted: {
    what: "What listens there belongs to another user of the machine, so it was not ended.",
    next: "Look on the machine whose program it is.",
  },
  restart_needed: {
    what: "It is set, and the gateway follows at its next start.",
    next: "Restart the gateway.",
  },
  // Jobs and agents
  not_editable: {
    what: "This job says more than can be written down here, so it was not changed.",
    next: "Disable or remove it here, or change it in the gateway.",
  },
  not_started: {
    what: "The gateway did not start the job.",
    next: "It may be running already; look at its runs.",
  },
  nothing_to_compact: {
    what: "There was nothing to make shorter.",
    next: "Nothing is left to do.",
  },
  file_unknown: {
    what: "The gateway does not know a file of that name, so nothing was written.",
    next: "Use one of the names that its agents have.",
  },
  too_large_to_keep: {
    what: "What the agent says now is too large to keep, so it was not written over.",
    next: "Make its files shorter in the gateway first.",
  },
  // Devices and channels
  own_device: {
    what: "That is one of this agent's own devices; without it this host would be blind.",
    next: "Use the kill switch to cut off everything.",
  },
  no_token: { what: "The device has no token to change.", next: "Revoke it, or pair it anew." },
  pairings_unreached: {
    what: "The gateway is down. It did not answer before, so every device is still paired with it.",
    next: "After it is started again, revoke them at once, or kill it again then.",
  },
  pairings_left: {
    what: "The gateway is stopped, and some devices are still paired.",
    next: "Revoke them when it runs again.",
  },
  not_tighter: {
    what: "That would let more people in than now, so nothing was changed.",
    next: "Loosen the channel instead; it says so and asks for more.",
  },
  not_looser: { what: "The channel is as open already.", next: "Tighten the channel instead." },
  list_empty: {
    what: "Nobody is on the list, so the gateway would not take it.",
    next: "Allow a sender first, or disable the channel.",
  },
  everybody: {
    what: "That stands for everybody, not for one sender.",
    next: "Loosen the channel to open if everybody is meant.",
  },
  shared_settings: {
    what: "Other accounts take their rules from the same place and would be opened too.",
    next: "Give this account a block of its own in the configuration.",
  },
  not_configured: {
    what: "The configuration has no such channel.",
    next: "Set the channel up in the gateway.",
  },
  // The gateway's secret, its process, its commands
  secret_elsewhere: {
    what: "The secret does not stand in the configuration, so it cannot be changed from here.",
    next: "Change it where the gateway gets it from, on the machine.",
  },
  no_secret: {
    what: "The gateway has no shared secret to change.",
    next: "Set one in its configuration.",
  },
  not_accepted: { what: "The gateway does not accept its new secret.", next: LOG },
  not_found: {
    what: "No process of the gateway was found, and nothing proves that it is down. It may run where it was never seen.",
    next: "Log in to the machine and see whether the gateway runs; the port in its configuration may be false.",
  },
  no_supervisor: {
    what: "Nothing on this machine is known to start the gateway.",
    next: "Start it by hand, or run it as a service.",
  },
  still_exposed: {
    what: "The configuration says this machine only, and the gateway still listens beyond it.",
    next: "Look at how it is started: its command line may say otherwise.",
  },
  exec_rules_left: {
    what: "The configuration is changed, and the rules for commands are not.",
    next: "Change the rules for commands by themselves.",
  },
  not_watching: {
    what: "Clawhold does not answer commands on this host.",
    next: "Switch answering on first.",
  },
  fallback_open: {
    what: "Without anybody to ask, this gateway's rules would run commands or could not be read, so answering stays on.",
    next: "Set what happens without an answer to deny, then switch answering off.",
  },
  no_gateway: { what: "This host has no gateway.", next: "Join it again with one." },
  grants_full: {
    what: "Too many people read here at once.",
    next: "Wait until one of them is done.",
  },
  session_needed: {
    what: "Only a signed-in person may ask for this.",
    next: "Sign in and ask anew.",
  },
  local_file: {
    what: "A file on the machine could not be read or written.",
    next: "See its disk and the agent's log.",
  },
  kept_file_exposed: {
    what: "Others on the machine can read what is kept of the gateway, so it is not used.",
    next: "The agent's log names the file; look at it, then move it away.",
  },
  kept_file_damaged: {
    what: "What is kept of the gateway on the machine is damaged.",
    next: "The agent's log names the file; move it away.",
  },
  // The agent's own program
  not_installed: {
    what: "This agent has no services of its own, so it does not update itself.",
    next: "Update it where it was started: npx clawhold, a clone, or the service manager's own way.",
  },
  no_release_key: {
    what: "This host was installed without a release key, so it takes no update from here.",
    next: "Paste the command of clawhold host add again on the machine: it brings the newer version.",
  },
  release_older: {
    what: "This host runs that version already, or a newer one.",
    next: "Nothing to do. To go back, type clawhold host back on the machine.",
  },
  canary_unproven: {
    what: "No other host of this workspace showed that it runs that release, so this one does not take it unseen.",
    next: "Update one host by itself first. Ten minutes after it is back, update the others.",
  },
  canary_early: {
    what: "The first host runs that release for less than ten minutes, so this one does not take it yet.",
    next: "Ask the first host again in a while, then update the others.",
  },
  canary_stale: {
    what: "What the first host said is an hour old by this host's clock, so it does not count any more.",
    next: "Ask the first host again, then update the others. If it goes on, compare the clocks of both machines.",
  },
  release_unreachable: {
    what: "The archive of that version could not be fetched from the edge.",
    next: "Look whether the edge runs that version, then ask again.",
  },
  release_sum: {
    what: "The archive that the edge has is not the one that you signed for, so it was not unpacked.",
    next: "Compare the SHA-256 with whoever published the release. If it is right, the edge is not to be trusted.",
  },
  release_signature: {
    what: "The release key that this host was installed with did not sign that archive, so it was not unpacked.",
    next: "Ask whoever published it. If the key was changed, paste the command of clawhold host add again.",
  },
  update_running: {
    what: "A change of version has begun on this host and is not settled yet.",
    next: "Wait three minutes, then look at the version that it reports.",
  },
  update_not_started: {
    what: "The update was not started, so nothing was changed.",
    next: "Look at the journal on the machine: journalctl -u clawhold-update.",
  },
  // The machine itself: fixes and accepted risks
  fix_unchanged: {
    what: "The machine was as the plan wants it already, so nothing was done.",
    next: "Nothing is left to do.",
  },
  fix_armed: {
    what: "It is applied, and undoes itself unless somebody signs in with a key in time.",
    next: "Sign in to the machine over SSH now, in a new window.",
  },
  fix_failed: {
    what: "The fix did not work, and what it had done was put back.",
    next: "Look at the host's posture: it says what was found since.",
  },
  plan_changed: {
    what: "The machine is not any more as the plan was shown for, so nothing was done.",
    next: "Look at the plan again, and ask anew.",
  },
  not_root: {
    what: "Only root may do that, and the agent on this machine does not run as root.",
    next: "Install the agent with clawhold host add, or run it as root.",
  },
  no_sign_in: {
    what: "Nobody signed in with a key in time to prove that it still works, so it undid itself.",
    next: "Ask anew, and sign in to the machine in a new window as soon as it is applied.",
  },
  not_proven: {
    what: "It could not be proven afterwards, so it undid itself.",
    next: "Look at the host's posture, then ask anew.",
  },
  not_armed: {
    what: "What undoes it could not be set up, so nothing was applied.",
    next: "See whether systemd runs on the machine.",
  },
  apply_failed: {
    what: "A step did not work, so all of it was undone.",
    next: "See the agent's log on the machine, then ask anew.",
  },
  dry_check_failed: {
    what: "The program itself said that it would not take the change, so nothing was applied.",
    next: "See what stands in its own configuration; the agent's log has its words.",
  },
  packages_failed: {
    what: "A package that it needs could not be installed, so nothing was applied.",
    next: "Look whether the machine's package manager works, then ask anew.",
  },
  drifted: {
    what: "Somebody changed a file of ours by hand, so it was left alone.",
    next: "Take that change back on the machine, or keep it.",
  },
  foreign_file: {
    what: "A file of that name is there and is not ours, so it was left alone.",
    next: "Move it away on the machine if it is not needed, then ask anew.",
  },
  path_in_use: {
    what: "Something else stands where the fix would write.",
    next: "Look at it on the machine.",
  },
  another_armed: {
    what: "An earlier fix still waits for its proof.",
    next: "Prove it, or wait until it has undone itself.",
  },
  former_state_gone: {
    what: "The gateway's former state directory is gone, or another is in its place, so the gateway was left where it is.",
    next: "Put that directory back on the machine, then ask anew; or keep the gateway as it is.",
  },
  undo_later_first: {
    what: "A later fix stands on this one, so it was not undone.",
    next: "Undo the later one first.",
  },
  no_such_fix: {
    what: "The host does not keep that fix any more.",
    next: "Look at the list of fixes again.",
  },
  busy: {
    what: "Another change of this machine is under way.",
    next: "Wait a minute and ask anew.",
  },
  disk_full: {
    what: "The machine's disk is full, so nothing was applied.",
    next: "Make room, then ask anew.",
  },
  no_systemd: {
    what: "It needs systemd to undo itself in time, and this machine has none.",
    next: "Make the change by hand; the plan says which.",
  },
  restarted: {
    what: "The machine restarted before it was proven, so it undid itself.",
    next: "Ask anew.",
  },
  interrupted: {
    what: "The fix was cut short, and undid itself.",
    next: "Look at the host's posture, then ask anew.",
  },
  ...lookOutcomeWords,
  until_past: {
    what: "The day until which it was to be accepted is over already.",
    next: "Choose a later day; the host's clock counts.",
  },
  until_late: {
    what: "A risk can be accepted for 180 days at most.",
    next: "Choose an earlier day, and accept it anew then.",
  },
};

/** Undefined: a host that is newer than this page said something else. */
export function explainOutcome(reason: string): OutcomeWords | undefined {
  return Object.hasOwn(outcomeWords, reason) ? outcomeWords[reason] : undefined;
}
