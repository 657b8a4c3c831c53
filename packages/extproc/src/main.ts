#!/usr/bin/env node
/** The `turnout` command. Errors that users can mend are printed as they are; only a bug shows a stack. */
import { RouterError } from "@turnout/shared";
import { createProgram } from "./cli/program.ts";

try {
  await createProgram(process.env).parseAsync(process.argv);
} catch (error) {
  const known = RouterError.from(error);
  process.stderr.write(
    known.code === "internal" && error instanceof Error ? `${error.stack}\nThis is a bug.\n` : `turnout: ${known.message}\n`,
  );
  process.exitCode = 1;
}
