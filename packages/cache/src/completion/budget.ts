/** Budget bounds what one answer may hold in memory. */
import type { RefusalReason } from "./refusal.ts";

/** What an object costs beside its text, roughly, so that empty ones are not free. */
const OBJECT_BYTES = 64;

export class Budget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  spendText(text: string): RefusalReason | null {
    return this.#spend(Buffer.byteLength(text));
  }

  spendObject(): RefusalReason | null {
    return this.#spend(OBJECT_BYTES);
  }

  /** spendMember is for a member that is kept as it came. */
  spendMember(name: string, value: unknown): RefusalReason | null {
    return this.spendObject() ?? this.spendText(name) ?? this.spendJson(value);
  }

  /** spendJson is for a value that is kept as it came. */
  spendJson(value: unknown): RefusalReason | null {
    return this.#spend(Buffer.byteLength(JSON.stringify(value)));
  }

  #spend(bytes: number): RefusalReason | null {
    this.#left -= bytes;
    return this.#left < 0 ? "too_large" : null;
  }
}
