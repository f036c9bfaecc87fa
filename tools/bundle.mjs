// Bundles the browser's scripts, app/web/browser, into app/web/static, with the licences of what is in them. The same
// sources and packages make the same bytes. "go generate ./app/web" runs it; tools/install brings what it needs.
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const packages = realpathSync(join(root, "tools", "node_modules"));
const target = join(root, "app", "web", "static");
const bundles = { "app.js": "app.js", "upload.js": "upload.js", "upload-worker.js": "worker.js" };

const used = new Set();
for (const [bundle, source] of Object.entries(bundles)) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(root, "app", "web", "browser", source)],
    outfile: join(target, bundle),
    nodePaths: [packages],
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    // What a browser of 2022 understands; older ones do not get past the first line, and use the plain form.
    target: ["chrome100", "firefox100", "safari15.4"],
    charset: "utf8",
    legalComments: "none",
    banner: { js: "/* Made from app/web/browser; licences.txt, beside this file, names the works of others in it. */" },
    metafile: true,
    logLevel: "warning",
  });
  for (const output of Object.values(metafile.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const path = relative(packages, join(root, input));
      if (bytesInOutput > 0 && !path.startsWith("..")) used.add(/^(@[^/]+\/)?[^/]+/.exec(path)[0]);
    }
  }
}

const licences = [...used].sort().map((name) => {
  const { version, license } = JSON.parse(readFileSync(join(packages, name, "package.json"), "utf8"));
  return `${name} ${version} (${license})\n\n${readFileSync(join(packages, name, "LICENSE"), "utf8").trim()}\n`;
});
writeFileSync(join(target, "licences.txt"), `The scripts of this site contain the following.\n\n${licences.join(`\n${"-".repeat(80)}\n\n`)}`);
