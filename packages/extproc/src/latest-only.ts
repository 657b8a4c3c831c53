/**
 * latestOnly runs `work` for one value at a time, in the order in which they came; of those that come while it is busy only the
 * latest is taken. `work` must not reject. compose.ts adopts configurations through it: two that overlapped could end with the
 * older one in force.
 */
export function latestOnly<Value>(work: (value: Value) => Promise<void>): (value: Value) => void {
  let next: { readonly value: Value } | null = null;
  let running = false;

  async function run(): Promise<void> {
    running = true;
    for (let taken = next; taken !== null; taken = next) {
      next = null;
      await work(taken.value);
    }
    running = false;
  }

  return (value) => {
    next = { value };
    if (!running) void run();
  };
}
