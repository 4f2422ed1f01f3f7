/**
 * Single checks against an edge that keeps a host busy or away: how many frames of a kind and how many signs of life a
 * minute may bring, and how long a drain may keep the agent from dialling. Proven as the layers are: without the check the
 * tunnel stays open, or the agent stays away. (What the edge takes from hosts and strangers is tested in workerd.)
 */
import { inwardLimits } from "../../protocol/frame-limits.ts";
import { PING } from "../../protocol/tunnel.ts";
import { cut, type Layer, type LayerAttack } from "./layer-table.ts";
import type { Outcome, Scene } from "./scene.ts";
import { at } from "./stages.ts";
import { floodOfPrepares } from "./tunnels.ts";

const MONTH_SECONDS = 2_592_000;
/** As agent/host/link/socket.ts has it. */
const MAX_SIGNS_OF_LIFE_PER_MINUTE = 600;

/** The tunnel is open still when the host answers a question that came after everything else, with whatever. */
async function endured(scene: Scene, mark: number): Promise<Outcome> {
  const answer = await scene.prepare(scene.town.actors.otto, {}, mark);
  if (typeof answer !== "string") return "adopted";
  return answer.startsWith("tunnel.") || answer === "silence" ? answer : "adopted";
}

function flood(name: string, times: number, send: (scene: Scene) => void): LayerAttack {
  return {
    name,
    rule: "tunnel.flood",
    run: at("joined", async (scene, mark) => {
      for (let i = 0; i <= times; i += 1) send(scene);
      return endured(scene, mark);
    }),
  };
}

export const floodChecks: readonly Layer[] = [
  {
    layer: "frames of a kind in a minute",
    cuts: [
      cut(
        "agent/host/link/link.ts",
        `if (!open.meter.admits(frame.kind, this.#deps.elapsed())) {
           this.#deps.log({ event: "frame_flood", kind: frame.kind });
           throw new TunnelViolation("flood");
         }`,
      ),
    ],
    attacks: [
      flood("pages that watch, without end", inwardLimits.watch.perMinute, ({ tunnel }) =>
        tunnel.send({ kind: "watch", seconds: 60 }),
      ),
    ],
  },
  {
    layer: "requests that wait for a challenge",
    cuts: [
      cut(
        "agent/host/warden/warden.ts",
        `if (this.#preparing >= MAX_CHALLENGES_PER_HOST) throw new TunnelViolation("flood");
         this.#preparing += 1;`,
        "this.#preparing += 1;",
      ),
    ],
    attacks: [
      {
        name: "two hundred at once",
        rule: "tunnel.flood",
        run: at("joined", async (scene, mark) => {
          await floodOfPrepares(scene);
          return endured(scene, mark);
        }),
      },
    ],
  },
  {
    layer: "signs of life in a minute",
    cuts: [cut("agent/host/link/socket.ts", "return minute.signs <= MAX_SIGNS_OF_LIFE_PER_MINUTE;", "return true;")],
    attacks: [
      flood("keep-alives without end", MAX_SIGNS_OF_LIFE_PER_MINUTE, ({ tunnel }) => tunnel.sendRaw(PING)),
      flood("control frames without end", MAX_SIGNS_OF_LIFE_PER_MINUTE, ({ tunnel }) => tunnel.ping()),
    ],
  },
  {
    layer: "length of a drain",
    cuts: [cut("protocol/tunnel.ts", "v.pipe(count, v.maxValue(MAX_DRAIN_SPREAD_SECONDS))", "count")],
    attacks: [
      {
        name: "a drain for a month",
        rule: "tunnel.malformed_frame",
        run: at("joined", async (scene, mark) => {
          scene.tunnel.send({ kind: "drain", spreadSeconds: MONTH_SECONDS });
          const outcome = await scene.closing(mark);
          return outcome === "tunnel.drain" ? "adopted" : outcome;
        }),
      },
    ],
  },
];
