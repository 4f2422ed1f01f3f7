/** Reads everything that can be read and does everything that can be done, once, with canaries in what is sealed. */
import type { OperationName } from "../../protocol/operations.ts";
import { contentKinds } from "../../protocol/reads/read.ts";
import type { PlantedGateway, Place } from "./gateway.ts";
import type { Named, Person } from "./person.ts";
import { until } from "./until.ts";

export async function readEverything(person: Person): Promise<void> {
  const { sessions } = await person.lookPatiently("gateway.sessions@1", {});
  const { agents } = await person.lookPatiently("gateway.agents@1", {});
  const { jobs } = await person.lookPatiently("gateway.jobs@1", {});
  for (const name of [
    "gateway.devices@1",
    "gateway.channels@1",
    "gateway.extensions@1",
    "gateway.config@1",
    "gateway.advice@1",
    "gateway.lockdown@1",
    "gateway.questions@1",
    "content.logs@1",
    "content.config@1",
    "content.config-schema@1",
  ] as const)
    await person.lookPatiently(name, {});
  await person.lookPatiently("gateway.usage@1", { days: 7 });
  for (const { tag: session } of sessions) await person.lookPatiently("content.transcript@1", { session });
  for (const { tag: agent } of agents) await person.lookPatiently("content.agent@1", { agent });
  for (const { tag: job } of jobs) {
    await person.lookPatiently("content.job@1", { job });
    await person.lookPatiently("gateway.job-runs@1", { job });
  }
}

export async function grant(person: Person): Promise<void> {
  await person.command("content.read@1", { args: { kinds: [...contentKinds], seconds: 900 } });
}

export async function answerCommands(person: Person, planted: PlantedGateway): Promise<void> {
  await person.act("exec.watch-on@1");
  const answers = [
    ["command to approve", "exec.deny@1"],
    ["second command", "exec.allow-once@1"],
    ["third command", "exec.allow-always@1"],
  ] as const;
  for (const [place, operation] of answers) await answer(person, planted, { place, operation });
  const { policy } = await person.lookPatiently("gateway.questions@1", {});
  const rules = { security: "allowlist", ask: "on-miss", fallback: "deny" };
  await person.command("exec.policy@1", { args: rules, expect: { subject: policy.subject } });
  await person.act("exec.watch-off@1");
}

async function answer(
  person: Person,
  planted: PlantedGateway,
  { place, operation }: { readonly place: Place; readonly operation: OperationName },
): Promise<void> {
  const wish = planted.wants(place);
  const question = await until(`the question about the ${place}`, async () => {
    const shown = await person.lookPatiently("gateway.questions@1", {});
    return shown.question?.command.includes(planted.of(place)) === true ? shown.question : undefined;
  });
  await person.act(operation, question);
  // One that the gateway does not offer for this command, as "always" for some, leaves the command waiting.
  if (person.ended.get(operation) !== "executed") await person.act("exec.deny@1", question);
  await wish;
}

export async function workOnJobs(person: Person, planted: PlantedGateway): Promise<void> {
  const draft = (place: Place): object => ({
    name: "canary",
    schedule: { kind: "every", seconds: 86_400 },
    work: { kind: "message", message: planted.of(place) },
    enabled: true,
  });
  const job = async (): Promise<Named | undefined> =>
    (await person.lookPatiently("gateway.jobs@1", {})).jobs.find(({ name }) => name === "canary");
  await person.command("cron.add@1", { args: { work: "message" }, content: draft("new job's message") });
  await person.act("cron.edit@1", await job(), {
    args: { work: "message" },
    content: draft("edited job's message"),
  });
  await person.act("cron.disable@1", await job());
  await person.act("cron.enable@1", await job());
  await person.act("cron.run@1", await job());
  await readEverything(person);
  await person.act("cron.remove@1", await job());
}

export async function workOnAgents(person: Person, planted: PlantedGateway, talk: string): Promise<void> {
  const files = [{ name: "AGENTS.md", content: planted.of("new agent's file") }];
  const agent = async (): Promise<Named | undefined> =>
    (await person.lookPatiently("gateway.agents@1", {})).agents.find(({ name }) => name === "canary");
  await person.command("agent.create@1", { args: {}, content: { name: "canary", files } });
  await person.act("agent.edit@1", await agent(), { content: { files } });
  const made = await agent();
  await person.act("agent.deploy@1", made, { args: { version: 1 } });
  if (made !== undefined) await person.lookPatiently("content.agent@1", { agent: made.tag, version: 1 });
  await person.act("agent.delete@1", await agent());
  const { sessions } = await person.lookPatiently("gateway.sessions@1", {});
  const session = sessions.find(({ key }) => key === talk);
  for (const operation of ["session.abort@1", "session.compact@1", "session.reset@1"] as const)
    await person.act(operation, session);
}

export async function workOnAccess(person: Person, planted: PlantedGateway): Promise<void> {
  const devices = () => person.lookPatiently("gateway.devices@1", {});
  const known = async (): Promise<Named | undefined> =>
    (await devices()).devices.find(({ name }) => name.includes(planted.of("device's name")));
  await person.act("device.rotate@1", await known());
  await person.act("device.revoke@1", await known());
  await person.act("pairing.deny@1", (await devices()).waiting[0], { args: { kind: "device" } });
  const channel = async () => (await person.lookPatiently("gateway.channels@1", {})).channels[0];
  await person.act("pairing.approve@1", (await channel())?.waiting[0], { args: { kind: "sender" } });
  await person.act("channel.allow@1", await channel(), { content: { sender: planted.of("new sender") } });
  await person.act("channel.tighten@1", await channel(), { args: { policy: "allowlist" } });
  await person.act("channel.loosen@1", await channel(), { args: { policy: "pairing" } });
  const shown = await channel();
  const entry = shown?.allowed.find(({ sender }) => sender.includes(planted.of("new sender")));
  await person.act("channel.disallow@1", shown, { args: { sender: entry?.tag ?? "se-0000000000000000" } });
  const { extensions } = await person.lookPatiently("gateway.extensions@1", {});
  const skill = extensions.find(({ kind, name }) => kind === "skill" && name === "weather");
  await person.act("plugin.disable@1", skill, { args: { kind: "skill" } });
  const { extensions: later } = await person.lookPatiently("gateway.extensions@1", {});
  const off = later.find(({ tag }) => tag === skill?.tag);
  await person.act("plugin.enable@1", off, { args: { kind: "skill" } });
}

export async function workOnTheWhole(person: Person, planted: PlantedGateway): Promise<void> {
  const changes = [{ path: "skills.entries.weather.env.SOUND", value: JSON.stringify(planted.of("new setting")) }];
  await person.command("config.set@1", { args: { changes: 1 }, content: { changes, note: planted.of("new setting") } });
  const { versions } = await person.lookPatiently("gateway.config@1", {});
  const oldest = versions.at(-1)?.version ?? 1;
  await person.lookPatiently("content.config-version@1", { version: oldest });
  await person.command("config.rollback@1", { args: { version: oldest } });
  await person.command("host.drill@1", { args: { scenario: "lost-device" } });
  await person.act("host.check@1");
  await person.act("gateway.bind-loopback@1");
  const { subject } = await person.lookPatiently("gateway.lockdown@1", {});
  await person.command("gateway.lockdown@1", { args: {}, expect: { subject } });
  await person.act("gateway-token.rotate@1");
  for (const operation of ["gateway.restart@1", "gateway.start@1", "gateway.stop@1", "gateway.kill@1"] as const)
    await person.act(operation);
}
