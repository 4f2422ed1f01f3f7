/**
 * What the agent writes about its own doing: one flat object a line, codes and ids only. Never a secret, and never
 * text that a gateway, an edge or a person wrote.
 */

/** `step` names a stage of a command, `event` anything else; further members are ids, codes and numbers. */
export type HostLogLine = Readonly<Record<string, string | number | boolean>>;
export type HostLog = (line: HostLogLine) => void;

/** The stages of a command on the host, in order. Tests and operators follow a command by them. */
export type CommandStep = "prepared" | "verified" | "journaled" | "executing" | "executed" | "receipted" | "refused";
