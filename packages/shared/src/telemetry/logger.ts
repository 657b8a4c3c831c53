import { pino, type DestinationStream, type Logger as PinoLogger } from "pino";

/** Logger is pino's; JSON lines on stderr, so that stdout stays free for what a command prints. */
export type Logger = PinoLogger;

/** createLogger makes the process's logger, to stderr unless told otherwise. Header values that carry credentials are redacted whatever logs them. */
export function createLogger(level: string, destination: DestinationStream = pino.destination({ dest: 2, sync: true })): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: ["*.authorization", "*.cookie", '*["x-api-key"]', "authorization", "cookie"], censor: "[redacted]" },
    },
    destination,
  );
}

/** silentLogger is for tests and for embedding without logs. */
export const silentLogger: Logger = pino({ level: "silent" });
