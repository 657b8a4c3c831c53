import { pino, type Logger as PinoLogger } from "pino";

/** Logger is pino's; JSON lines on stderr, so that stdout stays free for what a command prints. */
export type Logger = PinoLogger;

/** createLogger makes the process's logger. Header values that carry credentials are redacted whatever logs them. */
export function createLogger(level: string): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ["*.authorization", "*.cookie", '*["x-api-key"]', "authorization", "cookie"], censor: "[redacted]" },
    },
    pino.destination({ dest: 2, sync: true }),
  );
}

/** silentLogger is for tests and for embedding without logs. */
export const silentLogger: Logger = pino({ level: "silent" });
