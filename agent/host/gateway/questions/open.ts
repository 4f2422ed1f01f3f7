/** Puts the answering of questions together for one gateway, with a device of its own. */
import type { ReadResult } from "../../../../protocol/reads.ts";
import { openDevice } from "../device.ts";
import type { GatewayTarget } from "../discover.ts";
import { GatewayError } from "../faults.ts";
import { listenerPid } from "../listener-pid.ts";
import { readMachine } from "../machine.ts";
import type { readCommandRules } from "../operations/exec.ts";
import { ReadingError } from "../reading-error.ts";
import { openSession } from "../session.ts";
import { openTags } from "../tags.ts";
import { mayShowSecret } from "../trust.ts";
import { footprintOf, searchPathOf } from "./footprint.ts";
import { Questions } from "./questions.ts";
import { QuestionSwitch } from "./switch.ts";

export interface OpenQuestionsDeps {
  readonly target: () => Promise<GatewayTarget>;
  readonly directory: string;
  readonly agentVersion: string;
  readonly onChange: () => void;
  readonly log: (code: string, detail?: Readonly<Record<string, string>>) => void;
  readonly elapsed: () => number;
  readonly wait: (milliseconds: number) => Promise<void>;
}

export async function openQuestions(deps: OpenQuestionsDeps): Promise<Questions> {
  const store = await openDevice(deps.directory, "answers");
  const tags = openTags(deps.directory);
  return new Questions({
    ...deps,
    switch: new QuestionSwitch(deps.directory),
    tag: (id) => tags.tag("question", id),
    async footprint({ command, argv, cwd, resolvedPath }) {
      const { port, ownerUid, network } = await deps.target();
      const pid = await listenerPid(port, ownerUid, network?.tables);
      const path = pid === undefined ? undefined : await searchPathOf(pid);
      return footprintOf({ command, argv, cwd, resolvedPath, path });
    },
    async open(onEvent) {
      const target = await deps.target();
      return openSession({
        url: target.url,
        socket: target.network?.socket,
        credential: target.credential,
        store,
        // This version hands a question only to an administrator, or to whoever began the run.
        scopes: ["operator.admin"],
        answers: true,
        agentVersion: deps.agentVersion,
        platform: readMachine().platform,
        onEvent,
        log: deps.log,
        mayShowSecret: () => mayShowSecret(target),
      });
    },
  });
}

/** `rules`: asked on a connection that may read them. @throws {ReadingError} */
export async function readQuestions(
  questions: Questions,
  rules: () => Promise<Awaited<ReturnType<typeof readCommandRules>>>,
  now: number,
): Promise<ReadResult<"gateway.questions@1">> {
  try {
    const [{ question, behind, deniedUnasked }, read] = await Promise.all([questions.current(), rules()]);
    return {
      at: now,
      watching: questions.isOn,
      asAdministrator: questions.isOn,
      ...(question === undefined ? {} : { question }),
      behind,
      deniedUnasked,
      policy: { subject: read.subject, ...read.rules },
    };
  } catch (error) {
    if (error instanceof GatewayError) throw new ReadingError("gateway");
    throw error;
  }
}
