/** Every endpoint of the contracts table and who answers it. A new row of the table does not compile until it is here. */
import type { Handlers } from "../mount.ts";
import { activity, entryProof } from "./activity.ts";
import {
  alertAcknowledge,
  alertResolve,
  alerts,
  alertSettings,
  alertSettingsChange,
  alertTest,
  refusalRates,
} from "./alerts.ts";
import { automationCommand, automationPrepare, automationStatus, automationTrust } from "./automation.ts";
import { checkpoints, consistency } from "./checkpoints.ts";
import { command, commandEvidence, commandStatus } from "./commands.ts";
import { erase } from "./erase.ts";
import { retention, retentionChange } from "./retention.ts";
import { exportDownload, exportPart, exportStart, exportTicket } from "./exports.ts";
import { hostHistory } from "./history.ts";
import { host, hosts, live, prepare, ticket } from "./hosts.ts";
import { invitationOptions, invitationPasskey, invitations, invitationState, invite, uninvite } from "./invitations.ts";
import { looking } from "./looking.ts";
import { edgeKeys } from "./edge-keys.ts";
import { hostInvite } from "./host-invite.ts";
import { networks, networksChange } from "./networks.ts";
import { passkey, passkeyOptions } from "./passkeys.ts";
import { joinProposal, proposals, propose, withdrawProposal } from "./proposals.ts";
import { me, signOut } from "./session.ts";
import { sessionEnd, sessions } from "./sessions.ts";
import { hostRead } from "./reads.ts";
import { setupOptions, setupPasskey, setupRoot, setupState } from "./setup.ts";
import { signIn, signInNonce } from "./sign-in.ts";
import { streamChange, streamReplay, streams, streamTest } from "./streams.ts";
import { trust, trustState } from "./trust.ts";

export const handlers: Handlers = {
  health: () => Promise.resolve({ body: { ok: true } }),
  setupState,
  setupOptions,
  setupPasskey,
  setupRoot,
  signInNonce,
  signIn,
  signOut,
  invitations,
  invite,
  uninvite,
  invitationState,
  invitationOptions,
  invitationPasskey,
  automationTrust,
  automationPrepare,
  automationCommand,
  automationStatus,
  proposals,
  propose,
  joinProposal,
  withdrawProposal,
  me,
  sessions,
  sessionEnd,
  trust,
  trustState,
  passkeyOptions,
  passkey,
  hosts,
  host,
  prepare,
  hostRead,
  hostHistory,
  ticket,
  live,
  command,
  commandStatus,
  commandEvidence,
  activity,
  entryProof,
  checkpoints,
  consistency,
  looking,
  erase,
  retention,
  retentionChange,
  exportStart,
  exportPart,
  exportTicket,
  exportDownload,
  streams,
  streamChange,
  streamTest,
  streamReplay,
  alerts,
  alertAcknowledge,
  alertResolve,
  refusalRates,
  alertSettings,
  alertSettingsChange,
  alertTest,
  hostInvite,
  networks,
  networksChange,
  edgeKeys,
};
