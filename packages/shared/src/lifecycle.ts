/**
 * Lifecycle starts named parts in order and closes them in reverse, each within a time limit. A part that does not finish is
 * reported by name instead of hanging the process.
 */
export interface Part {
  readonly name: string;
  start?(): Promise<void> | void;
  close?(): Promise<void> | void;
}

export class Lifecycle {
  readonly #started: Part[] = [];
  #closing: Promise<void> | null = null;

  /** start runs a part's start and remembers it for close; when it fails, what was started before stays for close(). */
  async start(part: Part): Promise<void> {
    this.#started.push(part);
    await part.start?.();
  }

  /** close closes all parts in reverse order; `report` hears of each failure or overrun. Safe to call twice. */
  close(timeoutMsPerPart: number, report: (part: string, problem: string) => void): Promise<void> {
    this.#closing ??= (async () => {
      for (const part of this.#started.toReversed()) {
        if (part.close === undefined) continue;
        let timer: NodeJS.Timeout | undefined;
        const overrun = new Promise<"overrun">((resolve) => {
          timer = setTimeout(() => resolve("overrun"), timeoutMsPerPart);
        });
        try {
          const outcome = await Promise.race([Promise.resolve(part.close()).then(() => "closed" as const), overrun]);
          if (outcome === "overrun") report(part.name, `did not close within ${timeoutMsPerPart} ms`);
        } catch (error) {
          report(part.name, error instanceof Error ? error.message : String(error));
        } finally {
          clearTimeout(timer);
        }
      }
    })();
    return this.#closing;
  }
}
