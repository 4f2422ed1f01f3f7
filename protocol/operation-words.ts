/**
 * What each operation says to people: one plain sentence of what will happen, the verb on a button, the activity log's
 * words, and how it is taken back. Apart from the rules, so that whoever only judges need not carry the words.
 */
import type { OperationName } from "./operations.ts";

export interface OperationWords {
  /** One plain sentence of what will happen. `host` is the label a person gave. */
  readonly effect: (host: string) => string;
  /** The verb on the button and in the activity log: "Restart the gateway on …", "Restarted …". */
  readonly verb: string;
  readonly past: string;
  /** How it is taken back, in one plain sentence. */
  readonly undo: string;
}

export const operationWords: Readonly<Record<OperationName, OperationWords>> = {
  "gateway.restart@1": {
    effect: (host) =>
      `The gateway on ${host} stops and starts again. Active sessions are cut off, usually for 5 to 15 seconds. Nothing is deleted.`,
    verb: "Restart the gateway",
    past: "restarted the gateway",
    undo: "Nothing to undo.",
  },
  "gateway.stop@1": {
    effect: (host) =>
      `The gateway on ${host} ends and stays down until somebody starts it, or the machine restarts. Active sessions are cut off; no schedule runs.`,
    verb: "Stop the gateway",
    past: "stopped the gateway",
    undo: "Start the gateway again.",
  },
  "gateway.start@1": {
    effect: (host) => `The gateway on ${host} starts with the configuration that is there.`,
    verb: "Start the gateway",
    past: "started the gateway",
    undo: "Stop the gateway.",
  },
  "gateway.kill@1": {
    effect: (host) =>
      `Every device paired with the gateway on ${host} loses its access, and the gateway stops until somebody starts it, or the machine restarts.`,
    verb: "Kill the gateway",
    past: "killed the gateway",
    undo: "Start the gateway again; every device has to be paired anew.",
  },
  "gateway.lockdown@1": {
    effect: (host) =>
      `The gateway on ${host} listens on this machine only, its terminal is off, devices are not paired by themselves, commands ask first, and strangers cannot write to it.`,
    verb: "Lock down",
    past: "locked down",
    undo: "Roll the configuration back to the version before.",
  },
  "gateway.bind-loopback@1": {
    effect: (host) =>
      `The gateway on ${host} listens on this machine only, and restarts once for it. A proxy that hands its port on is not touched.`,
    verb: "Bind to this machine only",
    past: "bound the gateway to its own machine",
    undo: "Roll the configuration back to the version before.",
  },
  "gateway-token.rotate@1": {
    effect: (host) =>
      `The gateway on ${host} gets a new shared secret, made there and never shown. Whoever used the old one must be given the new one on the machine.`,
    verb: "Change the gateway's secret",
    past: "changed the gateway's secret",
    undo: "Cannot be undone: the old secret is gone.",
  },
  "host.check@1": {
    effect: (host) => `Nothing changes on ${host}. It proves that a signed command reaches it and comes back.`,
    verb: "Check the command path",
    past: "checked the command path",
    undo: "Nothing to undo.",
  },
  "host.drill@1": {
    effect: (host) =>
      `Nothing changes on ${host}. It rehearses a critical command: approved in the signer, by as many people as your rules ask for.`,
    verb: "Rehearse a critical command",
    past: "rehearsed a critical command",
    undo: "Nothing to undo.",
  },
  "config.set@1": {
    effect: (host) =>
      `The configuration of the gateway on ${host} changes as shown. If the gateway does not come back healthy, the version before is put back.`,
    verb: "Change the configuration",
    past: "changed the configuration",
    undo: "Roll back to the version before.",
  },
  "config.rollback@1": {
    effect: (host) => `The configuration of the gateway on ${host} becomes the version that is named here.`,
    verb: "Roll the configuration back",
    past: "rolled the configuration back",
    undo: "Roll back to the version before this one.",
  },
  "cron.add@1": {
    effect: (host) =>
      `A new job is scheduled on ${host}. It can run code there: an agent's turn with its tools, or a program.`,
    verb: "Add a scheduled job",
    past: "added a scheduled job",
    undo: "Remove the job.",
  },
  "cron.edit@1": {
    effect: (host) => `A scheduled job on ${host} becomes what is shown. It can run code there.`,
    verb: "Change a scheduled job",
    past: "changed a scheduled job",
    undo: "Change it back: the host keeps the job as it was.",
  },
  "cron.enable@1": {
    effect: (host) => `A scheduled job on ${host} runs again at its times. It can run code there.`,
    verb: "Enable a scheduled job",
    past: "enabled a scheduled job",
    undo: "Disable the job.",
  },
  "cron.disable@1": {
    effect: (host) => `A scheduled job on ${host} does not run any more until somebody enables it.`,
    verb: "Disable a scheduled job",
    past: "disabled a scheduled job",
    undo: "Enable the job.",
  },
  "cron.run@1": {
    effect: (host) => `A scheduled job on ${host} runs once, now. It can run code there.`,
    verb: "Run a scheduled job now",
    past: "ran a scheduled job",
    undo: "Cannot be undone; a running turn can be aborted.",
  },
  "cron.remove@1": {
    effect: (host) => `A scheduled job on ${host} is deleted, with its history there.`,
    verb: "Remove a scheduled job",
    past: "removed a scheduled job",
    undo: "Cannot be undone from here: copy what it says first.",
  },
  "agent.create@1": {
    effect: (host) => `A new agent exists on ${host}, with a workspace of its own and the files shown.`,
    verb: "Create an agent",
    past: "created an agent",
    undo: "Delete the agent.",
  },
  "agent.edit@1": {
    effect: (host) => `A new version of an agent on ${host} is kept there. The agent goes on with the present one.`,
    verb: "Write a version of an agent",
    past: "wrote a version of an agent",
    undo: "Nothing to undo: it is not in use until it is deployed.",
  },
  "agent.deploy@1": {
    effect: (host) => `An agent on ${host} works with the version named here from its next turn on.`,
    verb: "Deploy an agent",
    past: "deployed an agent",
    undo: "Deploy the version before.",
  },
  "agent.delete@1": {
    effect: (host) => `An agent on ${host} is deleted. Its files stay in its workspace and its versions with Clawhold.`,
    verb: "Delete an agent",
    past: "deleted an agent",
    undo: "Create one of the same name; its versions are listed again and can be deployed.",
  },
  "session.abort@1": {
    effect: (host) => `What one session on ${host} is doing now ends. Its conversation stays.`,
    verb: "Abort a session's run",
    past: "aborted a session's run",
    undo: "Cannot be undone; the session can be told to go on.",
  },
  "session.reset@1": {
    effect: (host) => `One session on ${host} begins anew: its agent forgets the conversation so far.`,
    verb: "Reset a session",
    past: "reset a session",
    undo: "Cannot be undone.",
  },
  "session.compact@1": {
    effect: (host) => `The conversation of one session on ${host} is replaced by a summary of it.`,
    verb: "Compact a session",
    past: "compacted a session",
    undo: "Cannot be undone.",
  },
  "content.read@1": {
    effect: (host) => `For a while this page may read content of ${host}, sealed on the host for this browser alone.`,
    verb: "Read content",
    past: "was allowed to read content",
    undo: "It ends by itself.",
  },
  "device.revoke@1": {
    effect: (host) => `A device loses its access to the gateway on ${host} at once.`,
    verb: "Revoke a device",
    past: "revoked a device",
    undo: "Pair the device anew.",
  },
  "device.rotate@1": {
    effect: (host) => `A device of the gateway on ${host} gets a new token; its old one is worth nothing from then on.`,
    verb: "Change a device's token",
    past: "changed a device's token",
    undo: "Cannot be undone.",
  },
  "pairing.approve@1": {
    effect: (host) => `Whoever asked may from now on talk to the gateway on ${host}, with the rights shown.`,
    verb: "Approve a pairing",
    past: "approved a pairing",
    undo: "Revoke the device; for a sender, tighten the channel to its list.",
  },
  "pairing.deny@1": {
    effect: (host) => `Whoever asked to talk to the gateway on ${host} is turned away, and may ask again.`,
    verb: "Deny a pairing",
    past: "denied a pairing",
    undo: "They can ask again.",
  },
  "channel.tighten@1": {
    effect: (host) => `Fewer people can write to a channel of the gateway on ${host}.`,
    verb: "Tighten a channel",
    past: "tightened a channel",
    undo: "Loosen the channel again.",
  },
  "channel.loosen@1": {
    effect: (host) => `More people can write to a channel of the gateway on ${host}.`,
    verb: "Loosen a channel",
    past: "loosened a channel",
    undo: "Tighten the channel again.",
  },
  "channel.allow@1": {
    effect: (host) => `One more sender may write to a channel of the gateway on ${host}.`,
    verb: "Allow a sender",
    past: "allowed a sender",
    undo: "Take the sender off the list.",
  },
  "channel.disallow@1": {
    effect: (host) => `A sender may no longer write to a channel of the gateway on ${host}.`,
    verb: "Take a sender off the list",
    past: "took a sender off the list",
    undo: "Allow the sender again.",
  },
  "plugin.enable@1": {
    effect: (host) => `A plugin or skill runs in the gateway on ${host}, with the gateway's rights.`,
    verb: "Enable a plugin or skill",
    past: "enabled a plugin or skill",
    undo: "Disable it.",
  },
  "plugin.disable@1": {
    effect: (host) => `A plugin or skill does not run any more in the gateway on ${host}.`,
    verb: "Disable a plugin or skill",
    past: "disabled a plugin or skill",
    undo: "Enable it.",
  },
  "exec.deny@1": {
    effect: (host) => `A command that an agent on ${host} wants to run is not run.`,
    verb: "Deny a command",
    past: "denied a command",
    undo: "The agent can ask again.",
  },
  "exec.allow-once@1": {
    effect: (host) => `Exactly the command shown runs once on ${host}, as the gateway's user.`,
    verb: "Allow a command once",
    past: "allowed a command once",
    undo: "Cannot be undone.",
  },
  "exec.allow-always@1": {
    effect: (host) => `The command shown runs on ${host} now, and again whenever an agent asks, without a question.`,
    verb: "Allow a command always",
    past: "allowed a command always",
    undo: "Cannot be taken back here: take the entry out of the gateway's list on the machine. Asking always stops it meanwhile.",
  },
  "exec.watch-on@1": {
    effect: (host) =>
      `The gateway on ${host} holds commands that need an answer and waits for one, up to 30 minutes; without this it refuses them at once.`,
    verb: "Answer the gateway's questions here",
    past: "switched on answering commands",
    undo: "Switch it off again.",
  },
  "exec.watch-off@1": {
    effect: (host) => `The gateway on ${host} refuses commands that need an answer at once, as it does by itself.`,
    verb: "Stop answering the gateway's questions",
    past: "switched off answering commands",
    undo: "Switch it on again.",
  },
  "exec.policy@1": {
    effect: (host) => `What agents on ${host} may run without a question changes to what is shown.`,
    verb: "Change the rules for commands",
    past: "changed the rules for commands",
    undo: "Change them back.",
  },
  "posture.fix@1": {
    effect: (host) =>
      `Exactly the plan shown is applied to ${host}, then proven. What could lock somebody out undoes itself unless it is proven in time.`,
    verb: "Fix a check",
    past: "fixed a check",
    undo: "Undo the fix: it puts back what was there before.",
  },
  "posture.fix-with@1": {
    effect: (host) =>
      `Exactly the plan shown, with your choices, is applied to ${host}, then proven. What could lock somebody out undoes itself unless it is proven in time.`,
    verb: "Fix a check with choices",
    past: "fixed a check with choices",
    undo: "Undo the fix: it puts back what was there before.",
  },
  "profile.apply@1": {
    effect: (host) =>
      `Everything in the plan shown is applied to ${host} in one go, then proven. If the way in is not proven in time, all of it is undone.`,
    verb: "Harden the host",
    past: "hardened the host",
    undo: "Undo the fix: it puts back all of it at once.",
  },
  "gateway.isolate@1": {
    effect: (host) =>
      `The gateway on ${host} ends, its state is copied to a user of its own, and it starts there as the plan shows. If it does not answer as before, all of it is undone.`,
    verb: "Move the gateway to its own user",
    past: "moved the gateway to its own user",
    undo: "Undo the fix: the former user's gateway runs again, with its state as it was before the move.",
  },
  "posture.rollback@1": {
    effect: (host) =>
      `What a fix changed on ${host} is put back as it was before, byte for byte. What it protected against is open again.`,
    verb: "Undo a fix",
    past: "undid a fix",
    undo: "Fix the check again.",
  },
  "posture.waive@1": {
    effect: (host) =>
      `A failing check on ${host} is accepted until the day chosen: it leaves the score, raises no alert, and the grade cannot be A. Nothing on the machine changes.`,
    verb: "Accept a risk for a while",
    past: "accepted a risk for a while",
    undo: "Take the acceptance back.",
  },
  "posture.look@1": {
    effect: (host) =>
      `The edge tries a few ports at the address from which ${host} is connected to it, once, and the host keeps what answered. Nothing on the machine changes.`,
    verb: "Look from outside",
    past: "let the edge look from outside",
    undo: "There is nothing to undo.",
  },
  "posture.unwaive@1": {
    effect: (host) => `A check on ${host} that was accepted for a while counts again. Nothing on the machine changes.`,
    verb: "Take an acceptance back",
    past: "took an acceptance back",
    undo: "Accept the risk again, in the signer.",
  },
  "agent.update@1": {
    effect: (host) =>
      `Clawhold's own agent on ${host} is replaced by the release named here, if the release key signed it and it is newer. If the new one does not reach the edge within two minutes, the present one comes back by itself. The gateway is not touched.`,
    verb: "Update the agent",
    past: "began an update of the agent",
    undo: "Type clawhold host back on the machine: the version before is kept there.",
  },
  "agent.update-rest@1": {
    effect: (host) =>
      `Clawhold's own agent on ${host} is replaced by the release named here, if the release key signed it and it is newer. Another host runs that release already and vouches for it. If the new one does not reach the edge within two minutes, the present one comes back by itself. No gateway is touched.`,
    verb: "Update the agents",
    past: "began an update of the other agents",
    undo: "Type clawhold host back on each machine: the version before is kept there.",
  },
};
