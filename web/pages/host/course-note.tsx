/**
 * The gateway goes down and comes back, live: how long, and from which start to which. A page that was loaded in the
 * middle saw no going down; that a restart was approved it has from the ledger.
 */
import { Banner } from "../../components/banner.tsx";
import { formatAge, formatShortId } from "../../format.ts";
import { Icon } from "../../icons.tsx";
import { useApp } from "../../state/app.ts";
import type { HostView } from "../../state/backend.ts";
import { BACK_SECONDS } from "../../state/restart-watch.ts";
import type { RestartWatch } from "../../state/restart-watch.ts";

interface CourseNoteProps {
  readonly host: HostView;
  readonly watch: RestartWatch;
  /** When a restart that is under way was approved. */
  readonly askedAt: number | undefined;
}

export function CourseNote({ host, watch, askedAt }: CourseNoteProps) {
  const { now } = useApp();
  const { course } = watch;
  if (course.kind === "down") {
    return (
      <div class="banner live-note" role="status">
        <Icon name="pending" class="spin" />
        <div class="grow">
          <strong>The gateway on {host.label} is down.</strong> Waiting for its next start
          {/* The seconds tick for the eye only: announced once, not every second. */}
          <span aria-hidden="true">, {formatAge(now.value - course.sinceAt)} now</span>.
          {course.bootBefore !== undefined && (
            <span class="small muted">
              {" "}
              Last start <code>{formatShortId(course.bootBefore)}</code>.
            </span>
          )}
        </div>
      </div>
    );
  }
  if (course.kind === "back" && now.value - course.at <= BACK_SECONDS) {
    return (
      <Banner tone="ok" icon="ok" live>
        <strong>The gateway on {host.label} is back</strong>
        {course.downSeconds !== undefined && ` after ${formatAge(course.downSeconds)}`}, with a new start:{" "}
        <code title={course.bootBefore}>{formatShortId(course.bootBefore)}</code> →{" "}
        <code title={course.bootAfter}>{formatShortId(course.bootAfter)}</code>
      </Banner>
    );
  }
  if (askedAt !== undefined) {
    return (
      <div class="banner live-note" role="status">
        <Icon name="pending" class="spin" />
        <div class="grow">
          <strong>The gateway on {host.label} is restarting.</strong> Approved
          <span aria-hidden="true"> {formatAge(now.value - askedAt)} ago</span>; waiting for its next start.
        </div>
      </div>
    );
  }
  return null;
}
