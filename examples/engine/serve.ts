// node examples/engine/serve.ts: bundles the page of this example and serves it, with all that a page needs.
import { readFileSync } from "node:fs";
import { bundle, threadModules } from "../../scripts/page-bundle.ts";
import { type PageServer, servePage } from "../../scripts/page-server.ts";

const here = (path: string) => new URL(path, import.meta.url);

/** Serves the page over the package as it was built last. */
export async function serveExample(): Promise<PageServer> {
  const { scripts } = await bundle({
    page: here("page.js"),
    spirals: here("spirals.js"),
    ...threadModules(here("../../dist/engine/"), "js"),
  });
  return servePage(scripts, { page: readFileSync(here("page.html"), "utf8") });
}

if (import.meta.main) console.log((await serveExample()).origin);
