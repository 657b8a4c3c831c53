#!/usr/bin/env node
/**
 * The `turnout` command. Errors that users can mend are printed as they are; only a bug shows a stack. The heap is bounded before
 * anything else is loaded, which is why everything else is imported by call.
 */
import { boundHeap } from "./cli/heap.ts";

boundHeap();
// ONNX Runtime otherwise reports its use to its maker, from `models prepare` too.
process.env["ORT_DISABLE_TELEMETRY"] ??= "1";
const { RouterError } = await import("@turnout/shared");

try {
  const { createProgram } = await import("./cli/program.ts");
  await createProgram(process.env).parseAsync(process.argv);
} catch (error) {
  const known = RouterError.from(error);
  process.stderr.write(
    known.code === "internal" && error instanceof Error ? `${error.stack}\nThis is a bug.\n` : `turnout: ${known.message}\n`,
  );
  process.exitCode = 1;
}
