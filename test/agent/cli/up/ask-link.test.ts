/** `clawhold up link` at the door of an edge that has a workspace. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../terminal.ts";

let data: string;
let door: Server;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), "clawhold-link-"));
  mkdirSync(join(data, "run"));
  door = createServer((_request, response) => response.writeHead(409).end('{"code":"workspace_exists"}'));
  await new Promise<void>((resolve) => door.listen(join(data, "run", "up.sock"), resolve));
});
afterEach(() => {
  door.close();
  rmSync(data, { recursive: true });
});

async function refusal(dashboard?: string): Promise<string> {
  if (dashboard !== undefined) writeFileSync(join(data, "run", "dashboard"), dashboard);
  const { exit, err } = await run(["up", "link", "--data", data]);
  expect(exit).toBe(4);
  return err.join("\n");
}

describe("a link that is not given any more", () => {
  it("leaves the address of the dashboard, which a service said into its journal only", async () => {
    expect(await refusal()).toMatch(/dashboard: http:\/\/clawhold\.localhost with the port of clawhold up$/);
    expect(await refusal("http://clawhold.localhost:4499\n")).toMatch(/dashboard: http:\/\/clawhold\.localhost:4499$/);
  });

  it("repeats nothing but an address", async () => {
    for (const said of ["\u001b[2Jhttp://clawhold.localhost:4470\n", "http://clawhold.localhost:4470/?q\n", "\n"])
      expect(await refusal(said)).toMatch(/with the port of clawhold up$/);
  });
});
