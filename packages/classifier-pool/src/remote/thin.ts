/**
 * Takes out of a long text what no window can reach, before it is sent: a prompt of a megabyte becomes a message of kilobytes. The
 * same number of characters leaves on both sides of the middle, so that beginning, middle and end stay where the pool's own
 * excerpt (tokens/window.ts) looks for them: it reads the very same characters as from the whole text. Called by codec.ts.
 */
import type { TextWindow } from "@turnout/shared";

/** Characters kept per token of the window in each of the three places: more than the excerpt keeps in all. */
const CHARACTERS_PER_TOKEN = 16;

/** thin keeps three stretches of `text`, each longer than all that `window` reads. */
export function thin(text: string, { maxTokens }: TextWindow): string {
  const stretch = maxTokens * CHARACTERS_PER_TOKEN;
  const removed = Math.floor((text.length - 3 * stretch) / 2);
  if (removed <= 0) return text;
  return text.slice(0, stretch) + text.slice(stretch + removed, text.length - stretch - removed) + text.slice(text.length - stretch);
}
