/** Numbers and units as people write them: digits, words, suffixes; and what they come to in one unit of each kind. Pure tables. */

const units = `zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen`;
const tens = `twenty thirty forty fifty sixty seventy eighty ninety`;
const ordinals = `zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth
  sixteenth seventeenth eighteenth nineteenth twentieth`;

/** numberWords up to ninety; scales are apart. "one" is here, but readers decide whether it is a number or a pronoun. */
export const numberWords: ReadonlyMap<string, number> = new Map([
  ...units.split(" ").map((word, value): [string, number] => [word, value]),
  ...tens.split(" ").map((word, index): [string, number] => [word, 20 + 10 * index]),
  ["dozen", 12],
  // de, es, fr, pt; not where the word is another one in English.
  ..."zwei:2 drei:3 vier:4 fünf:5 sechs:6 sieben:7 acht:8 neun:9 zehn:10 zwölf:12 dos:2 tres:3 cuatro:4 cinco:5 seis:6 siete:7 ocho:8 nueve:9 diez:10 deux:2 trois:3 quatre:4 cinq:5 sept:7 huit:8 neuf:9 dix:10 dois:2 duas:2 três:3 quatro:4"
    .split(" ")
    .map((pair): [string, number] => [pair.split(":")[0] as string, Number(pair.split(":")[1])]),
]);

/** scaleWords multiply what stands before them. */
export const scaleWords: ReadonlyMap<string, number> = new Map([
  ["dozen", 12],
  ["hundred", 100],
  ["thousand", 1_000],
  ["million", 1_000_000],
  ["billion", 1_000_000_000],
  ["trillion", 1_000_000_000_000],
]);

/** ordinalWords from third on: "first" and "second" have other meanings too. */
export const ordinalWords: ReadonlyMap<string, number> = new Map(
  ordinals.split(/\s+/).flatMap((word, value): [string, number][] => (value < 3 ? [] : [[word, value]])),
);

/** romanNumerals that stand after a name; single letters are no numbers, except after "part" and the like, which nobody can know here. */
export const romanNumerals: ReadonlyMap<string, number> = new Map(
  `II III IV VI VII VIII IX XI XII XIII XIV XV XVI XVII XVIII XIX XX XXI`.split(" ").map((word): [string, number] => [word, roman(word)]),
);

function roman(word: string): number {
  const worth: Record<string, number> = { I: 1, V: 5, X: 10 };
  return [...word].reduce((sum, letter, i) => {
    const value = worth[letter] as number;
    return sum + (value < (worth[word[i + 1] ?? ""] ?? 0) ? -value : value);
  }, 0);
}

/** everyUnit are words for "a day", "a week" and so on. */
export const everyUnit: ReadonlyMap<string, string> = new Map([
  ["hourly", "hour"],
  ["daily", "day"],
  ["weekly", "week"],
  ["monthly", "month"],
  ["yearly", "year"],
  ["annually", "year"],
]);

/** Unit is a kind of quantity and how much of its base one is. */
export interface Unit {
  readonly kind: string;
  readonly factor: number;
}

const kinds: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  time: {
    "ms millisecond milliseconds msec": 0.001,
    "s sec secs second seconds": 1,
    "min mins minute minutes": 60,
    "h hr hrs hour hours": 3_600,
    "day days": 86_400,
    "week weeks wk wks": 604_800,
    "fortnight fortnights": 1_209_600,
  },
  months: { "month months mo": 1, "year years yr yrs yo": 12, "decade decades": 120, "century centuries": 1_200 },
  mass: {
    "mcg microgram micrograms µg": 0.000_001,
    "mg milligram milligrams": 0.001,
    "g gram grams gramme grammes gr": 1,
    "kg kgs kilo kilos kilogram kilograms kilogramme kilogrammes": 1_000,
    "t tonne tonnes": 1_000_000,
  },
  ounce: { "oz ounce ounces": 1, "lb lbs pound pounds": 16 },
  stone: { "stone stones": 1 },
  ton: { "ton tons": 1 },
  length: {
    "nm nanometre nanometres nanometer nanometers": 0.000_000_001,
    "mm millimetre millimetres millimeter millimeters": 0.001,
    "cm centimetre centimetres centimeter centimeters": 0.01,
    "m metre metres meter meters": 1,
    "km kms kilometre kilometres kilometer kilometers": 1_000,
  },
  inch: { "inch inches": 1, "ft foot feet": 12, "yd yard yards": 36, "mi mile miles": 63_360 },
  volume: {
    "ml millilitre millilitres milliliter milliliters": 0.001,
    "cl centilitre centilitres centiliter centiliters": 0.01,
    "dl decilitre decilitres deciliter deciliters": 0.1,
    "l litre litres liter liters": 1,
  },
  spoon: { "tsp teaspoon teaspoons": 1, "tbsp tablespoon tablespoons": 3 },
  cup: { "cup cups": 1 },
  pint: { "pint pints": 1, "quart quarts": 2, "gallon gallons gal": 8 },
  speed: { mph: 1 },
  metricspeed: { "kph kmh": 1 },
  bytes: {
    "byte bytes": 1,
    "kb kilobyte kilobytes": 1e3,
    "mb megabyte megabytes": 1e6,
    "gb gigabyte gigabytes gig gigs": 1e9,
    "tb terabyte terabytes": 1e12,
    "kib ki": 1_024,
    "mib mi_": 1_048_576,
    "gib gi": 1_073_741_824,
  },
  bits: { "bit bits": 1, "kbps kbit kbits": 1e3, "mbps mbit mbits megabit megabits": 1e6, "gbps gbit gbits gigabit gigabits": 1e9 },
  power: { "w watt watts": 1, "kw kilowatt kilowatts": 1e3, "mw megawatt megawatts": 1e6 },
  energy: { wh: 1, kwh: 1e3 },
  volt: { "v volt volts": 1, kv: 1e3 },
  amp: { "amp amps ampere amperes": 1, mah: 0.001 },
  heat: { "cal kcal calorie calories": 1 },
  celsius: { "celsius centigrade °c": 1 },
  fahrenheit: { "fahrenheit °f": 1 },
  percent: { "% percent pct": 1 },
  usd: { "$ usd dollar dollars bucks buck": 1, "cent cents": 0.01 },
  eur: { "€ eur euro euros": 1 },
  gbp: { "£ gbp quid sterling": 1 },
  jpy: { "¥ yen jpy": 1 },
  inr: { "₹ inr rupee rupees": 1 },
  chf: { "chf franc francs": 1 },
  hertz: { "hz hertz": 1, khz: 1e3, mhz: 1e6, ghz: 1e9 },
};

/** unitOf a word in lower case. */
export const unitOf: ReadonlyMap<string, Unit> = new Map(
  Object.entries(kinds).flatMap(([kind, names]) =>
    Object.entries(names).flatMap(([words, factor]) => words.split(" ").map((word): [string, Unit] => [word, { kind, factor }])),
  ),
);

/** Units of one letter, and words that are something else as often, count only right behind a number. */
export const shyUnits: ReadonlySet<string> = new Set(
  "s g t m l h w v min sec second seconds foot feet yard pound pounds cup cups stone stones pint mi ki gi mo cal gr gal bit mw wh yo".split(
    " ",
  ),
);
