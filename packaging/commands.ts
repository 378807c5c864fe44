/**
 * Runs the programs that a release needs (npm, git, tar, ssh-keygen): quiet when they succeed,
 * with all that they have said when they fail.
 */

/** Answers stdout. @throws Error with both outputs when the exit status is not 0 */
export async function ran(
  words: readonly [string, ...string[]],
  { cwd }: { readonly cwd: string },
): Promise<string> {
  const child = Bun.spawn([...words], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, status] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (status === 0) return stdout;
  throw new Error(`${words.join(" ")}: status ${status}\n${stdout}${stderr}`);
}
