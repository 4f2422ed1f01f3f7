/**
 * A deployment, from the plan to the check: every step looks, the plan is told, every step looks again and does what differs,
 * and then all of them look once more and must find nothing. Killed anywhere, the next run goes on from what is there.
 */
import type { Change, Context, Step } from "./change.ts";
import { DeployError } from "./deploy-error.ts";
import { access } from "./steps/access.ts";
import { certificates } from "./steps/certificates.ts";
import { database, migrations } from "./steps/database.ts";
import { domains } from "./steps/domains.ts";
import { rules } from "./steps/rules.ts";
import { findWorkspace, lookAtSetup, type SetupOffer } from "./steps/setup-link.ts";
import { worker, workersDev } from "./steps/worker.ts";
import { zone, zoneSettings } from "./steps/zone.ts";

/** Known before the Worker's secrets are judged. */
const workspace: Step = {
  name: "Workspace",
  look: async (context) => {
    await findWorkspace(context);
    return [];
  },
  remains: () => Promise.resolve([]),
};

/** In this order, because what stands in front is there before the names are. */
const STEPS: readonly Step[] = [
  zone,
  database,
  migrations,
  workspace,
  access,
  worker,
  workersDev,
  certificates,
  rules,
  zoneSettings,
  domains,
];

export interface Planned {
  readonly step: string;
  readonly change: Change;
}

export interface Listener {
  /** All that will be done, before any of it is. */
  plan(planned: readonly Planned[], notes: readonly string[]): void;
  done(planned: Planned): void;
  /** All of it was read back and is as planned. */
  verified(): void;
  /** The setup link. Told once. */
  offer(offer: SetupOffer): void;
}

export interface DeployOptions {
  readonly isPlanOnly: boolean;
  readonly isNewLinkWanted: boolean;
}

/** @throws {DeployError} */
export async function deploy(context: Context, options: DeployOptions, listener: Listener): Promise<void> {
  const planned = await lookAtAll(context);
  const link = await setupChange(context, options, listener);
  listener.plan(link === undefined ? planned : [...planned, link], context.notes);
  if (options.isPlanOnly) return;
  if (planned.length > 0) {
    for (const step of STEPS) {
      for (const change of await step.look(context)) {
        await change.apply();
        listener.done({ step: step.name, change });
      }
    }
    await verify(context);
    listener.verified();
  }
  const offered = await setupChange(context, options, listener);
  if (offered === undefined) return;
  await offered.change.apply();
  listener.done(offered);
}

async function lookAtAll(context: Context): Promise<readonly Planned[]> {
  context.notes.length = 0;
  const planned: Planned[] = [];
  for (const step of STEPS) {
    for (const change of await step.look(context)) planned.push({ step: step.name, change });
  }
  return planned;
}

async function setupChange(context: Context, options: DeployOptions, listener: Listener): Promise<Planned | undefined> {
  const change = await lookAtSetup(context, {
    isNewWanted: options.isNewLinkWanted,
    onOffer: (offer) => listener.offer(offer),
  });
  return change === undefined ? undefined : { step: "Setup", change };
}

/** Everything is read back. What differs now is not what was sent. */
async function verify(context: Context): Promise<void> {
  const differing = await lookAtAll(context);
  if (differing.length === 0) return;
  const named = differing.map(({ step, change }) => `${step}: ${change.what}`).join("; ");
  throw new DeployError(
    "verify_failed",
    `Cloudflare took everything, and reading it back shows something else (${named}). Somebody may be changing it at this moment, or Cloudflare is not done yet. Type it again in a minute.`,
  );
}

export interface DestroyListener {
  plan(planned: readonly Planned[]): void;
  /** False: nothing is removed. */
  confirm(): Promise<boolean>;
  done(planned: Planned): void;
}

/** The names first, so that nobody reaches what is half gone; the database last. */
const BACKWARDS: readonly Step[] = [zone, domains, worker, access, certificates, rules, zoneSettings, database];

/**
 * Removes what has this deployment's mark, and nothing else.
 * @throws {DeployError}
 */
export async function destroy(context: Context, listener: DestroyListener): Promise<void> {
  const planned = await remainsOfAll(context);
  listener.plan(planned);
  if (planned.length === 0) return;
  if (!(await listener.confirm()))
    throw new DeployError(
      "not_confirmed",
      `The name ${context.wanted.config.dashboard} was not given, so nothing was removed. Type it when asked, or give it with --yes-destroy.`,
    );
  for (const step of BACKWARDS) {
    for (const change of await step.remains(context)) {
      await change.apply();
      listener.done({ step: step.name, change });
    }
  }
  const left = await remainsOfAll(context);
  if (left.length === 0) return;
  const named = left.map(({ change }) => change.what).join("; ");
  throw new DeployError("verify_failed", `Some of it is still there: ${named}. Type it again in a minute.`);
}

async function remainsOfAll(context: Context): Promise<readonly Planned[]> {
  const planned: Planned[] = [];
  for (const step of BACKWARDS) {
    for (const change of await step.remains(context)) planned.push({ step: step.name, change });
  }
  return planned;
}
