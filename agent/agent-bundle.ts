/**
 * How the agent's own program is bundled: agent/build.mjs makes from it what ships, and the attack suite what it attacks, so
 * that the two are one program. Builds nothing itself, and is part of no bundle.
 */
import path from "node:path";
import type { BuildOptions, Plugin } from "esbuild";

const root = path.dirname(import.meta.dirname);

/** In place of one of Node's modules that is loaded and never used. */
function emptyModule(name: string): Plugin {
  return {
    name: `empty-${name}`,
    setup(building) {
      building.onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path: name, namespace: "empty" }));
      building.onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "module.exports = {};" }));
    },
  };
}

/** What the protocol hashes with, where it runs as an agent. */
const nativeSha256: Plugin = {
  name: "native-sha256",
  setup(building) {
    const native = path.join(root, "agent", "shared", "native-sha256.ts");
    building.onResolve({ filter: /^@noble\/hashes\/sha2\.js$/ }, ({ importer }) =>
      path.dirname(importer) === path.join(root, "protocol") ? { path: native } : undefined,
    );
  },
};

/** In place of a file of the protocol one that does the same with Node's own library, which may use the first. */
function nativeFile(name: string): Plugin {
  const portable = path.join(root, "protocol", `${name}.ts`);
  const native = path.join(root, "agent", "shared", `native-${name}.ts`);
  return {
    name: `native-${name}`,
    setup(building) {
      building.onResolve({ filter: new RegExp(`/${name}\\.ts$`) }, ({ importer, resolveDir, path: wanted }) =>
        importer !== native && path.join(resolveDir, wanted) === portable ? { path: native } : undefined,
      );
    },
  };
}

/** `clawhold.cjs` in the folder: the commands of a host that was installed, without those of an edge. */
export function hostProgramBundle(outdir: string): BuildOptions {
  return { ...agentBundle(outdir), entryPoints: { clawhold: path.join(root, "agent", "install-main.ts") } };
}

/** `posture.cjs` in the folder: what looks at the host and ends. CommonJS, because it starts faster. */
export function postureBundle(outdir: string): BuildOptions {
  return { ...agentBundle(outdir), entryPoints: { posture: path.join(root, "agent", "posture-main.ts") } };
}

/** `agent.cjs` in the folder. CommonJS: agent/host-main.ts says why. */
export function agentBundle(outdir: string, plugins: readonly Plugin[] = []): BuildOptions {
  return {
    entryPoints: { agent: path.join(root, "agent", "host-main.ts") },
    outdir,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node24",
    external: ["bufferutil", "utf-8-validate"],
    legalComments: "none",
    logLevel: "warning",
    // The text of a program is in memory too. Names stay, for whoever reads where something went wrong.
    minifyWhitespace: true,
    minifySyntax: true,
    // Compression is never offered on a tunnel, nor to a gateway, so ws never calls it.
    plugins: [emptyModule("zlib"), nativeSha256, nativeFile("bytes"), ...plugins],
  };
}
