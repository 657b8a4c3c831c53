import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  areaUnderCurve,
  binaryFigures,
  calibrationBins,
  classificationFigures,
  expectedCalibrationError,
  precisionRecall,
  spanFigures,
  wilson,
  type Classified,
  type Scored,
  type Span,
} from "./metrics.ts";

const SEED = { seed: 20_260, numRuns: 200 };

/** text is one classified text, right and sure unless told otherwise. */
function text(label: string, predicted = label, changes: Partial<Classified> = {}): Classified {
  return { label, predicted, confidence: 1, top: [predicted], escalated: false, abstained: false, ...changes };
}

describe("wilson", () => {
  it.each([
    // Newcombe 1998, table I, method 3.
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
    [20, 20, 0.8389, 1],
    [0, 0, 0, 1],
  ])("of %i out of %i", (right, n, low, high) => {
    const [from, to] = wilson(right, n);
    expect(from).toBeCloseTo(low, 4);
    expect(to).toBeCloseTo(high, 4);
  });
});

describe("precisionRecall", () => {
  it.each([
    [3, 1, 2, { precision: 0.75, recall: 0.6, f1: 2 / 3, support: 5 }],
    [0, 2, 0, { precision: 0, recall: 0, f1: 0, support: 0 }],
    [0, 0, 2, { precision: 0, recall: 0, f1: 0, support: 2 }],
  ])("of %i right, %i wrong, %i missed", (right, wrong, missed, expected) => {
    expect(precisionRecall(right, wrong, missed)).toEqual(expected);
  });
});

describe("classificationFigures", () => {
  const rows = [
    text("oak"),
    text("oak", "elm", { top: ["elm", "oak"] }),
    text("elm"),
    text("elm"),
    text("fir", "yew", { top: ["yew", "elm", "fir"] }),
  ];
  const figures = classificationFigures(rows);

  it("counts what is right, and what is among the two likeliest", () => {
    expect(figures).toMatchObject({ n: 5, accuracy: 0.6, top2: 0.8 });
    expect(figures.interval).toEqual(wilson(3, 5));
  });

  it("averages F1 over the labels that occur: one that was only predicted has none", () => {
    expect(figures.perClass["oak"]).toEqual({ precision: 1, recall: 0.5, f1: 2 / 3, support: 2 });
    expect(figures.perClass["elm"]).toEqual({ precision: 2 / 3, recall: 1, f1: 0.8, support: 2 });
    expect(figures.perClass["yew"]).toEqual({ precision: 0, recall: 0, f1: 0, support: 0 });
    expect(figures.macroF1).toBeCloseTo((2 / 3 + 0.8 + 0) / 3, 12);
  });

  it("has a row of the confusion matrix for every label, and the predictions as columns", () => {
    expect(figures.confusion).toEqual({
      elm: { elm: 2, fir: 0, oak: 0, yew: 0 },
      fir: { elm: 0, fir: 0, oak: 0, yew: 1 },
      oak: { elm: 1, fir: 0, oak: 1, yew: 0 },
      yew: { elm: 0, fir: 0, oak: 0, yew: 0 },
    });
  });

  it("tells the shares that asked the encoder and that abstained", () => {
    const mixed = [text("oak", "oak", { escalated: true }), text("elm", "other", { abstained: true }), text("oak"), text("elm")];
    expect(classificationFigures(mixed)).toMatchObject({ escalated: 0.25, abstained: 0.25 });
  });

  it("agrees with counting one text and one label at a time", () => {
    const label = fc.constantFrom("oak", "elm", "fir", "__proto__");
    fc.assert(
      fc.property(fc.array(fc.tuple(label, label), { minLength: 1, maxLength: 40 }), (pairs) => {
        const { accuracy, macroF1, confusion } = classificationFigures(pairs.map(([right, said]) => text(right, said)));
        const count = (holds: (right: string, said: string) => boolean) => pairs.filter(([right, said]) => holds(right, said)).length;
        expect(accuracy).toBeCloseTo(count((right, said) => right === said) / pairs.length, 12);
        const occurring = [...new Set(pairs.map(([right]) => right))];
        const f1s = occurring.map((one) => {
          const hits = count((right, said) => right === one && said === one);
          return (2 * hits) / (count((right) => right === one) + count((_, said) => said === one));
        });
        expect(macroF1).toBeCloseTo(f1s.reduce((sum, f1) => sum + f1, 0) / f1s.length, 12);
        for (const one of occurring)
          for (const other of occurring) expect(confusion[one]?.[other]).toBe(count((right, said) => right === one && said === other));
      }),
      SEED,
    );
  });
});

describe("calibration", () => {
  it("is the distance of confidence and accuracy, by the counts of the bins", () => {
    const rows = [
      text("a", "a", { confidence: 0.9 }),
      text("a", "b", { confidence: 0.92 }), // this bin: confidence 0.91, accuracy 0.5
      text("a", "a", { confidence: 0.3 }), // this one: 0.3 and 1
      text("a", "a", { confidence: 1 }), // 1 and 1
    ];
    expect(expectedCalibrationError(rows)).toBeCloseTo((2 * 0.41 + 0.7 + 0) / 4, 12);
  });

  it.each([
    [0, 0],
    [1 / 15, 1],
    [0.0666, 0],
    [0.5, 7],
    [1, 14],
  ])("puts a confidence of %f into bin %i of 15", (confidence, bin) => {
    const counts = calibrationBins([text("a", "a", { confidence })]).map(({ count }) => count);
    expect([counts.length, counts.indexOf(1)]).toEqual([15, bin]);
  });

  it("leaves out abstentions, which claim nothing", () => {
    const rows = [text("other", "other", { confidence: 0, abstained: true }), text("a", "b", { confidence: 0.5 })];
    expect(expectedCalibrationError(rows)).toBeCloseTo(0.5, 12);
    expect(expectedCalibrationError(rows.slice(0, 1))).toBe(0);
  });

  it("agrees with a sum over the texts of each fifteenth", () => {
    const row = fc.record({ confidence: fc.double({ min: 0, max: 1, noNaN: true }), right: fc.boolean() });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 60 }), (rows) => {
        let expected = 0;
        for (let bin = 0; bin < 15; bin += 1) {
          const inside = rows.filter(({ confidence }) => Math.min(14, Math.floor(confidence * 15)) === bin);
          expected += Math.abs(inside.reduce((sum, { confidence, right }) => sum + confidence - (right ? 1 : 0), 0));
        }
        const classified = rows.map(({ confidence, right }) => text("a", right ? "a" : "b", { confidence }));
        expect(expectedCalibrationError(classified)).toBeCloseTo(expected / rows.length, 10);
      }),
      SEED,
    );
  });
});

describe("binaryFigures", () => {
  it("counts alarms", () => {
    const row = (positive: boolean, predicted: boolean, score: number): Scored => ({ positive, predicted, score });
    expect(
      binaryFigures([row(true, true, 0.9), row(true, false, 0.4), row(false, true, 0.8), row(false, false, 0.1), row(false, false, 0.4)]),
    ).toEqual({
      n: 5,
      positives: 2,
      accuracy: 0.6,
      interval: wilson(3, 5),
      precision: 0.5,
      recall: 0.5,
      f1: 0.5,
      // Of six pairs: 0.9 beats three, 0.4 beats one and ties with one.
      auc: 4.5 / 6,
      falsePositiveRate: 1 / 3,
    });
  });

  it("has an AUC of one half where there is nothing to compare", () => {
    expect(areaUnderCurve([{ positive: true, predicted: true, score: 1 }])).toBe(0.5);
  });

  it("has the AUC of all pairs compared, ties counted half", () => {
    const row = fc.record({ positive: fc.boolean(), predicted: fc.boolean(), score: fc.integer({ min: 0, max: 6 }) });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 40 }), (rows) => {
        const attacks = rows.filter(({ positive }) => positive);
        const harmless = rows.filter(({ positive }) => !positive);
        fc.pre(attacks.length > 0 && harmless.length > 0);
        const wins = attacks.flatMap((one) => harmless.map((other) => (Math.sign(one.score - other.score) + 1) / 2));
        expect(areaUnderCurve(rows)).toBeCloseTo(wins.reduce((sum, win) => sum + win, 0) / wins.length, 12);
      }),
      SEED,
    );
  });
});

describe("spanFigures", () => {
  const span = (start: number, end: number, type = "IBAN_CODE"): Span => ({ start, end, type });

  it.each<[string, Span[], Span[], object]>([
    ["the very span", [span(2, 9)], [span(2, 9)], { precision: 1, recall: 1 }],
    ["one that overlaps by a character", [span(2, 9)], [span(8, 20)], { precision: 1, recall: 1 }],
    ["one that only touches", [span(2, 9)], [span(9, 20)], { precision: 0, recall: 0 }],
    ["one of another type", [span(2, 9)], [span(2, 9, "US_SSN")], { precision: 0, recall: 0 }],
    ["one that covers two", [span(2, 5), span(6, 9)], [span(0, 10)], { precision: 1, recall: 1 }],
    ["one that covers two, and a wrong one", [span(2, 5), span(6, 9)], [span(0, 10), span(20, 30)], { precision: 0.5, recall: 1 }],
    ["two parts of one, and a wrong one", [span(2, 9)], [span(2, 4), span(5, 9), span(20, 30)], { precision: 2 / 3, recall: 1 }],
    ["one of two", [span(2, 5), span(6, 9)], [span(2, 5)], { precision: 1, recall: 0.5 }],
    ["one too many", [span(2, 5)], [span(2, 5), span(7, 9)], { precision: 0.5, recall: 1 }],
  ])("judges %s", (_, right, found, expected) => {
    expect(spanFigures([{ right, found }])).toMatchObject(expected);
  });

  it("flags clean texts, which are those without a span, once however much is found", () => {
    const rows = [
      { right: [], found: [span(0, 1), span(2, 3)] },
      { right: [], found: [] },
      { right: [span(0, 4)], found: [span(6, 8)] },
    ];
    expect(spanFigures(rows)).toMatchObject({ n: 3, clean: 2, falsePositiveRate: 0.5, spans: 1, interval: wilson(0, 1) });
  });

  it("tells each type apart", () => {
    const rows = [{ right: [span(0, 4), span(5, 9, "US_SSN")], found: [span(0, 4), span(10, 12, "URL")] }];
    expect(spanFigures(rows).perType).toEqual({
      IBAN_CODE: { precision: 1, recall: 1, f1: 1, support: 1 },
      URL: { precision: 0, recall: 0, f1: 0, support: 0 },
      US_SSN: { precision: 0, recall: 0, f1: 0, support: 1 },
    });
  });

  it("agrees with painting the characters of each type", () => {
    const anySpan = fc
      .tuple(fc.nat(20), fc.integer({ min: 1, max: 6 }), fc.constantFrom("A", "B"))
      .map(([start, length, type]) => span(start, start + length, type));
    const spans = fc.array(anySpan, { maxLength: 4 });
    fc.assert(
      fc.property(spans, spans, (right, found) => {
        const painted = (by: readonly Span[]) =>
          new Set(by.flatMap(({ start, end, type }) => Array.from({ length: end - start }, (_, at) => `${type}${start + at}`)));
        const covered = (one: Span, by: ReadonlySet<string>) => [...painted([one])].some((place) => by.has(place));
        const { precision, recall, support } = { ...spanFigures([{ right, found }]), support: right.length };
        const hits = right.filter((one) => covered(one, painted(found))).length;
        const confirmed = found.filter((one) => covered(one, painted(right))).length;
        expect(recall).toBeCloseTo(support === 0 ? 0 : hits / support, 12);
        expect(precision).toBeCloseTo(found.length === 0 ? 0 : confirmed / found.length, 12);
      }),
      SEED,
    );
  });
});
