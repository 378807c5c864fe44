/** What this program calls itself, in `--version` and in hello. */
import manifest from "../../package.json" with { type: "json" };

export const VERSION_TEXT: string = manifest.version;

export const SOFTWARE = `ftpx ${VERSION_TEXT}`;
