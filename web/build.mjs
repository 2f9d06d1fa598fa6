// Bundles the page into the Python package: one module, one style sheet; the worker lies in the module as text.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const common = {
  bundle: true,
  minify: true,
  target: "es2022",
  legalComments: "none",
  charset: "utf8",
  logLevel: "warning",
};

const worker = {
  name: "worker",
  setup(building) {
    building.onResolve({ filter: /^worker:/ }, ({ path }) => ({
      path: here(`src/${path.slice("worker:".length)}`),
      namespace: "worker",
    }));
    building.onLoad({ filter: /./, namespace: "worker" }, async ({ path }) => {
      const { outputFiles } = await build({ ...common, entryPoints: [path], format: "iife", write: false });
      return { contents: outputFiles[0].text, loader: "text" };
    });
  },
};

await build({
  ...common,
  entryPoints: { viewer: here("src/main.ts") },
  outdir: here("../src/visualizer/viewer/page"),
  format: "esm",
  jsx: "automatic",
  jsxImportSource: "preact",
  plugins: [worker],
});
await build({
  ...common,
  entryPoints: { viewer: here("src/main.css") },
  outdir: here("../src/visualizer/viewer/page"),
});
