/** The lines around the entries: cut, moved, exchanged, or more of them than a reader can take. */
import { nonceOf } from "../fixtures/keys.ts";
import { closed } from "../fixtures/log-file.ts";
import { isKind, lines, replaced, type Tamper } from "./tamper.ts";

export const frame: readonly Tamper[] = [
  { name: "the end line cut", power: "the file", by: "cut", make: lines((honest) => honest.slice(0, -1)) },
  {
    name: "cut in the middle, closed again",
    power: "the file",
    by: "short",
    make: lines((honest) => closed(honest.slice(0, 14))),
  },
  {
    name: "a line more than the end says",
    power: "the file",
    by: "end_count",
    make: lines((honest) => replaced(honest, honest.length - 1, () => ({ kind: "end", lines: 1 }))),
  },
  {
    name: "something after the end",
    power: "the file",
    by: "after_end",
    make: lines((honest) => [...honest, ...honest.slice(-2, -1)]),
  },
  {
    name: "a line of another form",
    power: "the file",
    by: "line_malformed",
    make: lines((honest) => closed([...honest.slice(0, -1), { kind: "entry", note: "signed by nobody" }])),
  },
  {
    name: "the checkpoint after the entries",
    power: "the file",
    by: "line_order",
    make: lines((honest) =>
      closed([...honest.filter((line) => !isKind("checkpoint")(line)), ...honest.filter(isKind("checkpoint"))]),
    ),
  },
  {
    name: "no checkpoint",
    power: "the file",
    by: "checkpoint_missing",
    make: lines((honest) => closed(honest.filter((line) => !isKind("checkpoint")(line)))),
  },
  {
    name: "no trust log",
    power: "the file",
    by: "trust_root",
    make: lines((honest) => closed(honest.filter((line) => !isKind("trust")(line)))),
  },
  {
    name: "the first line cut",
    power: "the file",
    by: "log_missing",
    make: lines((honest) => closed(honest.slice(1))),
  },
  {
    name: "the workspace's name exchanged",
    power: "the file",
    by: "workspace_other",
    make: lines((honest) => replaced(honest, 0, (line) => ({ ...(line as object), workspace: nonceOf("other") }))),
  },
  {
    name: "a line that does not end",
    power: "the file",
    by: "line_too_long",
    make: lines((honest) => [...honest.slice(0, -1), { kind: "entry", note: "x".repeat(2_000_000) }]),
  },
];
