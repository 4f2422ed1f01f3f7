/** The scheduled jobs of a gateway: when each runs, how it went, and every command to it. */
import { Foreign } from "../../components/foreign.tsx";
import type { Column } from "../../components/sheet.tsx";
import { State } from "../../components/state.tsx";
import { Exact, Relative } from "../../components/time.tsx";
import { formatCount, formatMilliseconds, formatNumberOf, formatSpan, unknown } from "../../format.ts";
import { useApp } from "../../state/app.ts";
import type { ReadResult } from "../../state/readings.ts";
import { useDesk, type Undo } from "./desk.ts";
import { useFresh } from "./fresh.ts";
import { Granted, useGrantEnd } from "./granted.tsx";
import { JobForm } from "./job-form.tsx";
import { Act, Detail, OpenLink, SignerNote, Things } from "./parts.tsx";
import { ListCard, MoreThere, Read, ReadWhen, useReading } from "./reading.tsx";
import { scheduleWords } from "./schedule-words.ts";

type Job = ReadResult<"gateway.jobs@1">["jobs"][number];

const works = { message: "tells an agent", command: "runs a program", other: "not known" } as const;

const columns: readonly Column<Job>[] = [
  { id: "name", name: "Job", cell: ({ tag, name }) => <OpenLink of={tag} name={name} />, order: ({ name }) => name },
  {
    id: "state",
    name: "State",
    cell: ({ enabled }) => <State shape={enabled ? "ok" : "stopped"}>{enabled ? "enabled" : "disabled"}</State>,
    order: ({ enabled }) => (enabled ? 0 : 1),
  },
  {
    id: "when",
    name: "When",
    cell: ({ schedule }) => <When schedule={schedule} />,
    order: ({ schedule }) => scheduleWords(schedule),
  },
  { id: "work", name: "Does", cell: ({ work }) => works[work], order: ({ work }) => work, isMinor: true },
  {
    id: "next",
    name: "Next",
    cell: ({ nextAt }) => (nextAt === undefined ? unknown : <Until at={nextAt} />),
    order: ({ nextAt }) => nextAt,
    isNumber: true,
  },
  {
    id: "last",
    name: "Last",
    cell: ({ lastAt, lastStatus, failuresInARow = 0 }) =>
      lastAt === undefined ? (
        unknown
      ) : (
        <>
          {lastStatus !== undefined && <Foreign text={lastStatus} />} <Relative at={lastAt} ago />
          {failuresInARow > 1 && " "}
          {failuresInARow > 1 && <State shape="bad">{formatNumberOf(failuresInARow, "failure")} in a row</State>}
        </>
      ),
    order: ({ lastAt }) => lastAt,
    isNumber: true,
  },
  { id: "acts", name: "", cell: (job) => <Switch job={job} /> },
];

/** An expression, a zone and a moment are the gateway's text; a number of seconds is ours to write. */
function When({ schedule }: { readonly schedule: Job["schedule"] }) {
  const words = scheduleWords(schedule);
  return schedule.kind === "every" || schedule.kind === "other" ? <>{words}</> : <Foreign text={words} />;
}

function Until({ at }: { readonly at: number }) {
  const { now, exactTimes } = useApp();
  if (exactTimes.value || at <= now.value) return <Exact at={at} />;
  return <span title={new Date(at * 1_000).toISOString()}>in {formatSpan(at - now.value)}</span>;
}

export function ScheduleTab() {
  const { route, view } = useDesk();
  const read = useReading("gateway.jobs@1", {});
  const open = read.kept?.value.jobs.find(({ tag }) => tag === route.of);
  return (
    <>
      {route.of === "new" && (
        <Detail title="Add a scheduled job">
          <JobForm />
        </Detail>
      )}
      {open !== undefined && <JobDetail key={open.tag} job={open} />}
      <ListCard id="jobs" title="Schedule" read={read} what="the scheduled jobs">
        {({ jobs, running, more }) => (
          <>
            {!running && (
              <p class="card-body small">
                <State shape="warn">The gateway's scheduler does not run, so no job does.</State>
              </p>
            )}
            <Things
              label="Scheduled jobs"
              rows={jobs}
              columns={columns}
              keyOf={({ tag }) => tag}
              textOf={({ name, agent, work, enabled, schedule }) =>
                [name, agent, works[work], enabled ? "enabled" : "disabled", scheduleWords(schedule)].join(" ")
              }
              usual="next"
              aside={
                <button class="btn sm" type="button" onClick={() => view({ of: "new" })}>
                  Add a job
                </button>
              }
            />
            <MoreThere more={more} />
          </>
        )}
      </ListCard>
      <SignerNote asks={["cron.add@1"]} />
    </>
  );
}

function useSwitchBack(tag: string): { readonly enable: Undo; readonly disable: Undo } {
  const fresh = useFresh();
  return {
    enable: {
      title: "Enable it again",
      make: async () => {
        const job = await fresh("gateway.jobs@1", {}, ({ jobs }) => jobs.find((one) => one.tag === tag));
        if (job === undefined) return undefined;
        return { operation: "cron.enable@1", args: { subject: tag }, expect: { subject: job.subject } };
      },
    },
    disable: {
      title: "Disable it again",
      make: async () => ({ operation: "cron.disable@1", args: { subject: tag } }),
    },
  };
}

function Switch({ job: { tag, subject, name, enabled } }: { readonly job: Job }) {
  const back = useSwitchBack(tag);
  return (
    <span class="sheet-acts">
      {enabled ? (
        <Act wish={{ operation: "cron.disable@1", args: { subject: tag } }} about={name} undo={back.enable}>
          Disable…
        </Act>
      ) : (
        <Act
          wish={{ operation: "cron.enable@1", args: { subject: tag }, expect: { subject } }}
          about={name}
          undo={back.disable}
        >
          Enable…
        </Act>
      )}
    </span>
  );
}

function JobDetail({ job }: { readonly job: Job }) {
  const { tag, subject, name } = job;
  return (
    <Detail title="Scheduled job" name={name}>
      <div class="acts">
        <Switch job={job} />
        <Act wish={{ operation: "cron.run@1", args: { subject: tag }, expect: { subject } }}>Run now…</Act>
        <Act wish={{ operation: "cron.remove@1", args: { subject: tag }, expect: { subject } }}>Remove…</Act>
      </div>
      <h3>Last runs</h3>
      <Runs job={tag} />
      <h3>What it says or runs</h3>
      <Granted kind="jobs" what="what this job says or runs, to read and to change">
        {() => <Edit job={job} />}
      </Granted>
    </Detail>
  );
}

function Runs({ job }: { readonly job: string }) {
  const read = useReading("gateway.job-runs@1", { job });
  return (
    <Read read={read} what="the last runs">
      {({ runs }) =>
        runs.length === 0 ? (
          <p class="small muted">It has not run yet.</p>
        ) : (
          <div class="table-wrap" tabIndex={0} role="region" aria-label="Last runs">
            <table class="table">
              <thead>
                <tr>
                  <th scope="col">When</th>
                  <th scope="col">Came to</th>
                  <th scope="col" class="r">
                    Took
                  </th>
                  <th scope="col" class="r">
                    Tokens
                  </th>
                </tr>
              </thead>
              <tbody>
                {runs.map(({ at, status, milliseconds, tokens }, index) => (
                  <tr key={index}>
                    <th scope="row">
                      <Relative at={at} ago />
                    </th>
                    <td>
                      <Foreign text={status} />
                    </td>
                    <td class="r">{milliseconds === undefined ? unknown : formatMilliseconds(milliseconds)}</td>
                    <td class="r">{tokens === undefined ? unknown : formatCount(tokens)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )
      }
    </Read>
  );
}

function Edit({ job: { tag } }: { readonly job: Job }) {
  const read = useReading("content.job@1", { job: tag });
  const fresh = useFresh();
  useGrantEnd("jobs", read);
  return (
    <>
      <ReadWhen read={read} />
      <Read read={read} what="the job">
        {({ job, subject }) => {
          if (job === undefined)
            return (
              <p class="small muted">
                It does something that Clawhold cannot write down. Change it with the gateway's own tools.
              </p>
            );
          const undo: Undo = {
            title: "Change it back",
            make: async () => {
              const now = await fresh("gateway.jobs@1", {}, ({ jobs }) => jobs.find((one) => one.tag === tag));
              if (now === undefined) return undefined;
              const args = { subject: tag, work: job.work.kind };
              return { operation: "cron.edit@1", args, expect: { subject: now.subject }, content: job };
            },
          };
          return <JobForm key={subject} edited={{ tag, subject, draft: job }} undo={undo} />;
        }}
      </Read>
    </>
  );
}
