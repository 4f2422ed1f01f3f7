/**
 * What `up` says: to people a few calm lines, with --json one object a line. The setup link holds a seed, so it goes to
 * standard output only and into no file.
 */
import { openLogFile, type EdgeEvent } from "../../edge/edge-log.ts";
import type { AgentEvent } from "../../host/run.ts";
import { sentences } from "../host-run.ts";
import type { CliIo } from "../io.ts";

export interface Voice {
  /** An event with its sentences for people. */
  say(event: Readonly<Record<string, unknown>>, lines?: readonly string[]): void;
  agentEvent(line: string): void;
  /** The agent's log. */
  agentLog(line: string): void;
  /** The edge's log. */
  edgeLog(event: EdgeEvent): void;
  /** Goes on in a new file when somebody moved the old one. */
  reopen(): void;
  close(): void;
}

export function openVoice(json: boolean, io: CliIo): Voice & { openFile(path: string): void } {
  let file: ReturnType<typeof openLogFile> | undefined;
  const say: Voice["say"] = (event, lines = []) => {
    if (json) io.out(JSON.stringify(event));
    else for (const line of lines) io.out(line);
  };
  return {
    say,
    openFile: (path) => {
      file = openLogFile(path);
    },
    agentEvent: (line) => {
      const event = parseEvent(line);
      if (event === undefined) return;
      say(event.event === "started" ? { ...event, event: "agent-started" } : event, spoken(event));
    },
    agentLog: (line) => {
      file?.write({ level: "info", code: "agent", detail: line });
      if (json || !line.startsWith("{")) io.err(line);
    },
    edgeLog: (event) => {
      const { level, code, detail } = event;
      if (json) io.err(detail.startsWith("{") ? detail : JSON.stringify({ edge: code, level, detail }));
      else if (level === "error" || (level === "warn" && code !== "workerd_output")) io.err(detail);
    },
    reopen: () => file?.reopen(),
    close: () => file?.close(),
  };
}

/** Which of the agent's events a person who sits before `up` needs. */
function spoken(event: AgentEvent): readonly string[] {
  if (event.event === "started" || (event.event === "tunnel" && event.state === "connected")) return [];
  return sentences(event);
}

/** Our own child's line; what is none (a crash's last words) is left to the log. */
function parseEvent(line: string): AgentEvent | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && "event" in value ? (value as AgentEvent) : undefined;
  } catch {
    return undefined;
  }
}
