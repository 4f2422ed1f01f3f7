/** What can go wrong with the demo gateway, said to people: what happened, why, what to do next. */

export type DemoTrouble =
  | "demo_not_installed"
  | "demo_npm_missing"
  | "demo_fetch_failed"
  | "demo_no_port"
  | "demo_start_failed"
  | "demo_configuration_refused";

export class DemoError extends Error {
  override readonly name = "DemoError";
  readonly code: DemoTrouble;

  constructor(code: DemoTrouble, message: string) {
    super(message);
    this.code = code;
  }
}
