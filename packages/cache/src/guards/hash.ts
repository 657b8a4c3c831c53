/** hashMark is a word as it is kept with an entry: 32 bits of FNV-1a, spread. Nothing can be read from it. */
export function hashMark(word: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < word.length; i += 1) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
