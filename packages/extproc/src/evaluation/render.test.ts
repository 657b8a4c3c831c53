import { describe, expect, it } from "vitest";
import { calibrationBins, classificationFigures, spanFigures, type Classified } from "./metrics.ts";
import { renderFigures, renderPage } from "./render.ts";

const row = (label: string, predicted: string, confidence: number): Classified => ({
  label,
  predicted,
  confidence,
  top: [predicted],
  escalated: confidence < 0.5,
  abstained: false,
});
const rows = [row("oak", "oak", 0.9), row("oak", "elm", 0.4), row("elm", "elm", 0.8), row("elm", "elm", 0.7)];
const head = { task: "domain", tier: "cascade", textsPerSecond: 900, p50Us: 70 };
const figures = { ...head, ...classificationFigures(rows) };

describe("renderFigures", () => {
  it("prints a table for people", () => {
    expect(renderFigures(figures)).toMatchInlineSnapshot(`
      "domain, cascade: 4 texts
        accuracy           75.0 %  [30.1 %, 95.4 %]
        macroF1            73.3 %
        top2               75.0 %
        ece                25.0 %
        escalated          25.0 %
        abstained          0.0 %
        speed              900 texts/s, 70 us each alone (p50)

        label  precision   recall       f1        n
        elm       66.7 %   100.0 %    80.0 %        2
        oak      100.0 %    50.0 %    66.7 %        2

        most confused
             1  oak taken for elm
      "
    `);
  });

  it("prints what a task has, and the interval beside the figure that it belongs to", () => {
    const found = { start: 0, end: 4, type: "US_SSN" };
    const printed = renderFigures({ ...head, task: "pii", ...spanFigures([{ right: [found], found: [found] }]), auc: 0.5 });
    expect(printed).toMatch(/recall +100\.0 % {2}\[20\.7 %, 100\.0 %\]/);
    expect(printed).toMatch(/US_SSN +100\.0 %/);
    expect(printed).not.toMatch(/accuracy|most confused/);
  });
});

describe("renderPage", () => {
  const page = renderPage({ figures, bins: calibrationBins(rows) });

  it("has the figures, every count of the confusion matrix and a bar for each bin with texts", () => {
    expect(page).toContain("75.0 %");
    expect(page.match(/<td style="background[^>]*>\d+<\/td>/g)).toHaveLength(4);
    expect(page.match(/<rect x=/g)).toHaveLength(4);
    expect(page).toMatch(/>confidence<\/text>.*>accuracy<\/text>/);
    expect(page).toContain("<title>1 texts, confidence 90.0 %, accuracy 100.0 %</title>");
  });

  it("keeps the figures of the confusion matrix readable on every blue", () => {
    const light = (channel: number) => (channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4);
    const luminance = ([red, green, blue]: readonly number[]) =>
      0.2126 * light(red as number) + 0.7152 * light(green as number) + 0.0722 * light(blue as number);
    const many = Array.from({ length: 100 }, (_, right) =>
      Array.from({ length: 100 }, (_, at) => row(`label ${right}`, at < right ? `label ${right}` : "other", 0.5)),
    );
    const cells = [
      ...renderPage({ figures: { ...head, ...classificationFigures(many.flat()) } }).matchAll(/rgba\(0,90,200,([\d.]+)\);color:(#\w+)/g),
    ];
    expect(cells.length).toBeGreaterThan(100);
    for (const [, opacity, colour] of cells) {
      const back = luminance([0, 90, 200].map((channel) => (channel * Number(opacity)) / 255 + 1 - Number(opacity)));
      const front = colour === "#fff" ? 1 : 0;
      expect((Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05)).toBeGreaterThanOrEqual(4.5);
    }
  });

  it("needs no script and nothing from elsewhere", () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|\bsrc=|\bhref=|https?:/i);
  });

  it("shows labels as text, whatever is in them", () => {
    const label = `<img src=x onerror="alert(1)">&`;
    const hostile = renderPage({ figures: { ...head, ...classificationFigures([row(label, "oak", 0.9)]) } });
    expect(hostile).not.toContain("<img");
    expect(hostile).toContain("&#60;img src=x onerror=&#34;alert(1)&#34;&#62;&#38;");
  });

  it("leaves out what a task does not have", () => {
    const found = { start: 0, end: 4, type: "US_SSN" };
    const spans = renderPage({ figures: { ...head, ...spanFigures([{ right: [found], found: [] }]) } });
    expect(spans).not.toMatch(/Confusion|Reliability/);
  });
});
