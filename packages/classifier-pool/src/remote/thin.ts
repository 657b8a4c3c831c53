/**
 * Takes out of a long text what no window can reach, before it is sent: a prompt of a megabyte becomes a message of kilobytes. Of a text
 * that is read from its beginning the rest is left out; else the same number of characters leaves on both sides of the middle, so that beginning, middle and end stay where the pool's own
 * excerpt (tokens/window.ts) looks for them: it reads the very same characters as from the whole text. Called by codec.ts.
 */
import type { TextWindow } from "@turnout/shared";

/** Characters kept per token of the window in each place: more than the excerpt keeps in all. */
const CHARACTERS_PER_TOKEN = 16;

/** thin keeps one stretch of `text`, or three, each longer than all that `window` reads. */
export function thin(text: string, { maxTokens, sampling }: TextWindow): string {
  const stretch = maxTokens * CHARACTERS_PER_TOKEN;
  if (sampling === "head") return text.slice(0, stretch);
  const removed = Math.floor((text.length - 3 * stretch) / 2);
  if (removed <= 0) return text;
  return text.slice(0, stretch) + text.slice(stretch + removed, text.length - stretch - removed) + text.slice(text.length - stretch);
}
