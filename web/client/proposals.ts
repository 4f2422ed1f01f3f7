/**
 * Commands that several people must approve. The first signs a proposal, people in between join it, the last one asks
 * the hosts for fresh challenges and signs the command that carries it out. The edge only keeps what was signed.
 */
import { computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { toBase64url } from "../../protocol/bytes.ts";
import { MAX_PROPOSAL_SECONDS } from "../../protocol/limits.ts";
import { approvalCodec, proposalCodec, type Expect, type Proposal } from "../../protocol/messages.ts";
import { operations } from "../../protocol/operations.ts";
import type { Loadable, OriginClass, Result, Stop, Trouble } from "../state/backend.ts";
import type { AskedHosts, Order } from "../state/orders.ts";
import type { ProposalDesk, ProposalDraft, ProposalStep, WaitingCommand } from "../state/proposals.ts";
import { askHost, startAsking, type Answer, type Asking, type CommandDeps } from "./asking.ts";
import { arrived } from "./late.ts";
import { actorOf, credentialsHere, expectOf } from "./intents.ts";
import { touch } from "./passkey.ts";
import { judgeOrder, type Asker, type Judging } from "./plan.ts";
import { randomNonce } from "./random.ts";
import { CANCELLED, resultOf, TroubleError, troubleOf } from "./trouble.ts";
import { factsOf, readProposal, type ReadProposal } from "./waiting-commands.ts";

const POLL_MS = 15_000;

export interface ProposalsDeps extends CommandDeps {
  readonly originClass: () => OriginClass;
}

type Purpose = (approval: Awaited<ReturnType<typeof touch>>) => Promise<unknown>;

export class Proposals implements ProposalDesk {
  readonly #deps: ProposalsDeps;
  readonly #waiting: Signal<Loadable<readonly WaitingCommand[]>> = signal({ state: "loading" });
  #read: ReadonlyMap<string, ReadProposal> = new Map();
  #watchers = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly forMe: ReadonlySignal<number> = computed(() => {
    const waiting = this.#waiting.value;
    if (waiting.state !== "ready") return 0;
    return waiting.value.filter(({ standing }) => standing.kind === "join" || standing.kind === "carry-out").length;
  });

  constructor(deps: ProposalsDeps) {
    this.#deps = deps;
  }

  get waiting(): ReadonlySignal<Loadable<readonly WaitingCommand[]>> {
    return this.#waiting;
  }

  forget(): void {
    this.#waiting.value = { state: "loading" };
    this.#read = new Map();
  }

  watch(): Stop {
    this.#watchers += 1;
    if (this.#watchers === 1) void this.#poll();
    return () => {
      this.#watchers -= 1;
      if (this.#watchers === 0) clearTimeout(this.#timer);
    };
  }

  async #poll(): Promise<void> {
    if (this.#mayWait()) await this.load();
    if (this.#watchers > 0) this.#timer = setTimeout(() => void this.#poll(), POLL_MS);
  }

  /** Where no rule asks for several people, and nothing waited before, nobody need be asked. */
  #mayWait(): boolean {
    if ((this.#deps.trust.state.value?.policies.size ?? 0) > 0) return true;
    const { value } = this.#waiting;
    if (value.state === "ready") return value.value.length > 0;
    return true;
  }

  async load(): Promise<void> {
    try {
      const { proposals } = await this.#deps.client.call("proposals");
      const asking = await startAsking(this.#deps);
      const rows = proposals.filter(({ kind }) => kind === "command");
      const read = await Promise.all(rows.map((row) => readProposal(row, this.#judging(asking), this.#asker(asking))));
      const known = read.filter((one) => one !== undefined);
      this.#read = new Map(known.map((one) => [one.digest, one]));
      const value = known.map(({ view }) => view).toSorted((a, b) => b.madeAt - a.madeAt);
      this.#waiting.value = { state: "ready", value };
    } catch (error) {
      // What is known stays on the page and grows old; only a first load can fail as a whole.
      if (this.#waiting.value.state !== "ready") this.#waiting.value = { state: "failed", trouble: troubleOf(error) };
      else if (!(error instanceof TroubleError)) throw error;
    }
  }

  #judging({ state }: Pick<Asking, "state">): Judging {
    return { state, now: this.#deps.now(), originClass: this.#deps.originClass() };
  }

  #asker({ session }: Pick<Asking, "session">): Asker {
    return { person: session.person, nameOf: (id) => this.#deps.trust.nameOf(id) ?? id };
  }

  draft(order: Order): Promise<Result<ProposalDraft>> {
    return resultOf(async () => {
      const asking = await startAsking(this.#deps);
      const plan = judgeOrder(this.#judging(asking), order, this.#asker(asking));
      if (plan.kind === "not-now") throw new TroubleError(plan.trouble);
      const targets = await Promise.all(
        order.hostIds.toSorted().map(async (host) => ({ host, expect: await pinned(asking, order, host) })),
      );
      const proposal: Proposal = {
        v: 1,
        workspace: asking.state.workspace,
        operation: order.operation,
        args: { ...order.args },
        targets,
        exp: this.#deps.now() + MAX_PROPOSAL_SECONDS,
        id: randomNonce(),
      };
      const bytes = proposalCodec.encode(proposal);
      const facts = await factsOf(bytes, asking);
      const body = toBase64url(bytes);
      return {
        facts,
        people: plan.kind === "together" ? plan.people : 1,
        others: plan.kind === "together" ? plan.others : [],
        actor: actorOf(asking),
        approve: (abort) =>
          this.#approve(asking, { digest: facts.digest, abort }, (approval) =>
            this.#deps.client.call("propose", { body: { kind: "command", body, approval } }),
          ),
      };
    });
  }

  async *join(digest: string, abort: AbortSignal): AsyncGenerator<ProposalStep> {
    try {
      const asking = await startAsking(this.#deps);
      await this.#fresh(digest);
      yield* this.#approve(asking, { digest, abort }, (approval) =>
        this.#deps.client.call("joinProposal", { params: { digest }, body: { approval } }),
      );
    } catch (error) {
      yield { kind: "failed", trouble: troubleOf(error) };
    }
  }

  async *#approve(
    { state, session }: Asking,
    { digest, abort }: { readonly digest: string; readonly abort: AbortSignal },
    send: Purpose,
  ): AsyncGenerator<ProposalStep> {
    try {
      const body = approvalCodec.encode({
        v: 1,
        workspace: state.workspace,
        kind: "proposal",
        subject: digest,
        decision: "approve",
        at: this.#deps.now(),
      });
      yield { kind: "touch" };
      this.#deps.trust.requireKnownPast();
      const allow = credentialsHere(state, session);
      const approval = await touch({ kind: "approval", body, allow, signal: abort });
      yield { kind: "sending" };
      await send(approval);
      await this.load();
      yield { kind: "done" };
    } catch (error) {
      const trouble = troubleOf(error);
      yield trouble === CANCELLED ? { kind: "cancelled" } : { kind: "failed", trouble };
    }
  }

  carryOut(digest: string): Promise<Result<AskedHosts>> {
    return resultOf(async () => {
      const { proposal, approvals, view } = await this.#fresh(digest);
      if (view.standing.kind !== "carry-out") throw new TroubleError(NOT_THE_LAST);
      const { operation, args, targets } = view.facts;
      const order = { operation, args, hostIds: targets.map(({ host }) => host.id) };
      const carried = { body: toBase64url(proposalCodec.encode(proposal)), approvals: [...approvals] };
      const { askHosts } = await arrived(import("./fleet-orders.ts"));
      return askHosts(this.#deps, order, {
        digest,
        carried,
        approvedBefore: view.approvals.map(({ name }) => name),
        expected: (hostId) => proposal.targets.find(({ host }) => host === hostId)?.expect,
        stillSo: (answer) => changedSince(proposal, answer),
      });
    });
  }

  withdraw(digest: string): Promise<Result<undefined>> {
    return resultOf(async () => {
      await this.#deps.client.call("withdrawProposal", { params: { digest }, body: {} });
      await this.load();
      return undefined;
    });
  }

  /** As the edge has it now: somebody may have joined or withdrawn while the page was open. */
  async #fresh(digest: string): Promise<ReadProposal> {
    await this.load();
    const read = this.#read.get(digest);
    if (read === undefined) throw new TroubleError(GONE);
    const { standing } = read.view;
    if (standing.kind === "over" || standing.kind === "not-you") throw new TroubleError(standing.trouble);
    return read;
  }
}

/** Asked of the host only where the operation must pin something: others can be proposed while it is away. */
async function pinned(asking: Asking, { operation, expect }: Order, hostId: string): Promise<Expect> {
  if (operations[operation].expects.length === 0) return {};
  const label = asking.state.hosts.get(hostId)?.label ?? hostId;
  try {
    return expectOf(operation, (await askHost(asking, { operation, hostId })).prepared, expect);
  } catch (error) {
    if (!(error instanceof TroubleError)) throw error;
    throw new TroubleError({ ...error.trouble, what: `${label}: ${error.trouble.what}` });
  }
}

/** What was approved must still be so: the hosts would refuse it otherwise, after a touch in vain. */
function changedSince(proposal: Proposal, { prepared }: Answer): Trouble | undefined {
  const expected = proposal.targets.find(({ host }) => host === prepared.host)?.expect;
  const { gatewayBoot, configHash } = prepared.facts;
  if (expected?.gatewayBoot !== undefined && expected.gatewayBoot !== gatewayBoot) return GATEWAY_CHANGED;
  if (expected?.configHash !== undefined && expected.configHash !== configHash) return CONFIG_CHANGED;
  return undefined;
}

const GATEWAY_CHANGED: Trouble = {
  code: "expect",
  what: "The gateway restarted since it was proposed.",
  why: "What the first person saw is no longer so.",
  next: "Look at the host. If it is still wanted, propose it again.",
};
const CONFIG_CHANGED: Trouble = {
  code: "expect",
  what: "The gateway's configuration changed since it was proposed.",
  why: "What the first person saw is no longer so.",
  next: "Look at the configuration. If it is still wanted, propose it again.",
};
const NOT_THE_LAST: Trouble = {
  code: "people",
  what: "Somebody else's approval is needed before it can be carried out.",
  next: "Look at the proposal again.",
};
const GONE: Trouble = {
  code: "proposal_gone",
  what: "This proposal no longer waits: it was carried out, withdrawn, or it ran out.",
  next: "Look at Activity.",
};
