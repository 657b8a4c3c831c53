/** Quoted and coded parts must be the same, character by character in code, word by word in quotations. */
import { sameMarks, type Guard } from "./guard.ts";
import { hashMark } from "./hash.ts";

export const spans: Guard = {
  name: "quoted",
  note: ({ tokens }) =>
    tokens
      .filter(({ kind }) => kind === "span")
      .map(({ text, raw }) =>
        hashMark(
          raw.startsWith("`")
            ? text
            : text
                .toLowerCase()
                .replaceAll(/[\s.,!?;:]+/g, " ")
                .trim(),
        ),
      )
      .toSorted((a, b) => a - b),
  agree: sameMarks,
};

/** code outside of quotation marks must be the same sign by sign, but for what ends a sentence. */
export const code: Guard = {
  name: "code",
  note: (reading) => reading.code.map((chunk) => hashMark(chunk.replace(/[.,!?:;"'`]+$/, ""))).toSorted((a, b) => a - b),
  agree: sameMarks,
};
