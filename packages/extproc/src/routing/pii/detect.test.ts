import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { detectPii, maskPii } from "./detect.ts";
import { CONFIDENCE, DEFAULT_PII_TYPES, PII_TYPES, type PiiType } from "./detection.ts";

/** What is found, as "TYPE value". */
const found = (text: string, types?: ReadonlySet<PiiType>, threshold?: number) =>
  detectPii(text, types, threshold).map(({ type, start, end }) => `${type} ${text.slice(start, end)}`);

describe("detectPii finds", () => {
  it.each([
    // Cards.
    ["My card is 4111 1111 1111 1111, expires 12/29", ["CREDIT_CARD 4111 1111 1111 1111"]],
    ["charge 5555555555554444 please", ["CREDIT_CARD 5555555555554444"]],
    ["amex 3782-822463-10005", ["CREDIT_CARD 3782-822463-10005"]],
    ["What is the limit of card 4222222222222?", ["CREDIT_CARD 4222222222222"]],
    ["我的卡号是4111111111111111，请取消", ["CREDIT_CARD 4111111111111111"]],
    // Bank accounts.
    ["Send it to DE89 3704 0044 0532 0130 00 today", ["IBAN_CODE DE89 3704 0044 0532 0130 00"]],
    ["gb82west12345698765432 or NO9386011117947.", ["IBAN_CODE gb82west12345698765432", "IBAN_CODE NO9386011117947"]],
    ["IBAN: FR14 2004 1010 0505 0001 3M02 606 for my rent", ["IBAN_CODE FR14 2004 1010 0505 0001 3M02 606"]],
    ["My bank account number is 000123456789.", ["US_BANK_NUMBER 000123456789"]],
    // Numbers of states.
    ["My SSN is 536-22-8726.", ["US_SSN 536-22-8726"]],
    ["social security number: 536228726", ["US_SSN 536228726"]],
    ["it is 536-22-8726 on the form", ["US_SSN 536-22-8726"]],
    ["my ssn, 987-65-4321", ["US_SSN 987-65-4321"]],
    ["ITIN 912-70-1234", ["US_ITIN 912-70-1234"]],
    ["my social insurance number 046 454 286", ["CA_SIN 046 454 286"]],
    ["NHS number 943 476 5919", ["UK_NHS 943 476 5919"]],
    ["national insurance no. AB 12 34 56 C", ["UK_NINO AB 12 34 56 C"]],
    ["mi DNI es 12345678Z", ["ES_NIF 12345678Z"]],
    ["NIE X1234567L", ["ES_NIE X1234567L"]],
    ["Steuer-ID: 36574261809", ["DE_TAX_ID 36574261809"]],
    ["codice fiscale RSSMRA85T10A562S", ["IT_FISCAL_CODE RSSMRA85T10A562S"]],
    ["my BSN 111222333", ["NL_BSN 111222333"]],
    ["PESEL 44051401359", ["PL_PESEL 44051401359"]],
    ["CPF 529.982.247-25", ["BR_CPF 529.982.247-25"]],
    ["meu cpf: 52998224725", ["BR_CPF 52998224725"]],
    ["CNPJ 11.222.333/0001-81", ["BR_CNPJ 11.222.333/0001-81"]],
    ["Aadhaar 2341 2341 2346", ["IN_AADHAAR 2341 2341 2346"]],
    ["PAN: ABCPK1234L", ["IN_PAN ABCPK1234L"]],
    ["passport number: C01X00T47", ["PASSPORT C01X00T47"]],
    ["My driver's license number is D1234567", ["US_DRIVER_LICENSE D1234567"]],
    // Addresses of machines and people.
    ["mail ann.lee+news@mail.example.co.uk, thanks", ["EMAIL_ADDRESS ann.lee+news@mail.example.co.uk"]],
    ["<josé@exämple.de>", ["EMAIL_ADDRESS josé@exämple.de"]],
    ["two: a@b.org,c@d.net", ["EMAIL_ADDRESS a@b.org", "EMAIL_ADDRESS c@d.net"]],
    ["blocked 203.0.113.77:443", ["IP_ADDRESS 203.0.113.77"]],
    ["from 2001:db8:85a3::8a2e:370:7334", ["IP_ADDRESS 2001:db8:85a3::8a2e:370:7334"]],
    ["client ip 10.1.2.3", ["IP_ADDRESS 10.1.2.3"]],
    // Telephones.
    ["call me at (415) 555-2671", ["PHONE_NUMBER (415) 555-2671"]],
    ["it's 415-555-2671 x12", ["PHONE_NUMBER 415-555-2671 x12"]],
    ["+44 20 7946 0958 works", ["PHONE_NUMBER +44 20 7946 0958"]],
    ["WhatsApp +5511912345678", ["PHONE_NUMBER +5511912345678"]],
    ["Tel.: 030 901820", ["PHONE_NUMBER 030 901820"]],
    ["Appelez-moi au 06 12 34 56 78", ["PHONE_NUMBER 06 12 34 56 78"]],
    ["mi móvil es 612 345 678", ["PHONE_NUMBER 612 345 678"]],
    ["电话：13800138000", ["PHONE_NUMBER 13800138000"]],
    ["They did not pick up at 0650 995 04 94", ["PHONE_NUMBER 0650 995 04 94"]],
    // Secrets.
    ["key AKIAIOSFODNN7EXAMPLE leaked", ["API_KEY AKIAIOSFODNN7EXAMPLE"]],
    ["token ghp_16C7e42F292c6912E7710c838347Ae178B4a", ["API_KEY ghp_16C7e42F292c6912E7710c838347Ae178B4a"]],
    [
      "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
      ["JWT eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"],
    ],
    ["postgres://app:s3cr3tPw@db.internal/x", ["PASSWORD s3cr3tPw"]],
    ["my password is Tr0ub4dor.", ["PASSWORD Tr0ub4dor"]],
    ["api_key = '7f3a9c21e8b64d05'", ["API_KEY 7f3a9c21e8b64d05"]],
    // People.
    ["Date of birth: 12/04/1986", ["DATE_OF_BIRTH 12/04/1986"]],
    ["I was born on March 3rd, 1990", ["DATE_OF_BIRTH March 3rd, 1990"]],
    ["My name is Ann-Marie O'Neill and I need help", ["PERSON Ann-Marie O'Neill"]],
    ["my name's ann lee, hi", ["PERSON ann lee"]],
    ["Hi, I'm Ludwig van Beek, from support", ["PERSON Ludwig van Beek"]],
    ["Me llamo Lucía Gómez", ["PERSON Lucía Gómez"]],
    ["меня зовут Иван Петров", ["PERSON Иван Петров"]],
    ["我叫王小明。", ["PERSON 王小明"]],
    ["Please reply.\n\nKind regards,\nPriya Natarajan\n", ["PERSON Priya Natarajan"]],
    ["Dear Dr. Haddad,\nHi Ann,\nwhat now?", ["PERSON Haddad", "PERSON Ann"]],
    ["please speak to Omar Haddad III", ["PERSON Omar Haddad III"]],
    ["Full name: Omar Haddad\nPlan: basic", ["PERSON Omar Haddad"]],
    ["a present for my sister Ingrid, who", ["PERSON Ingrid"]],
    ["Ann Lee lives at 12 Elm Street", ["PERSON Ann Lee", "STREET_ADDRESS 12 Elm Street"]],
    ["ship it to 4521 Maple Avenue, Apt. 3, Dayton, OH 45402", ["STREET_ADDRESS 4521 Maple Avenue, Apt. 3, Dayton, OH 45402"]],
    ["Ich wohne in der Lindenstraße 14 in Köln", ["STREET_ADDRESS Lindenstraße 14"]],
    ["vivo en Calle de Alcalá 42", ["STREET_ADDRESS Calle de Alcalá 42"]],
    [
      "my address is 12 Elm and mail ann@example.org, phone 415-555-2671",
      ["STREET_ADDRESS 12 Elm", "EMAIL_ADDRESS ann@example.org", "PHONE_NUMBER 415-555-2671"],
    ],
    ["my zip code is 90210", ["ZIP_CODE 90210"]],
  ])("%j", (text, expected) => {
    expect(found(text)).toEqual(expected);
  });
});

describe("detectPii finds nothing in", () => {
  it.each([
    "My card is 4111 1111 1111 1112", // Luhn
    "order 4111111111111111000 shipped", // longer than a card
    "the 16 digits 1234567812345670 pass Luhn but belong to nobody", // no issuer
    "0.4111111111111111 is a fraction",
    "GB82 WEST 1234 5698 7654 33", // mod 97
    "GB82WEST1234569876543", // length
    "000-12-3456 and 666-12-3456 and 123-00-4567",
    "my ssn is 000-12-3456, or 123-45-0000",
    "12345678A is no DNI", // check letter
    "CPF 529.982.247-26",
    "Aadhaar 2341 2341 2347",
    "the value 046 454 286 without a word about Canada",
    "Is version 1.2.3.4 out, or v10.20.30.40, or release 10.20.130.140?",
    "loopback is 127.0.0.1 and the mask 255.255.255.0",
    "std::vector and ::1 and 12:30:45 and aa:bb:cc:dd:ee:ff",
    "decorators such as @app.route and user@host and icon@2x.png",
    "git clone git@github.com:a/b.git",
    "1990-1995 2001-2003 were good years",
    "the population is 1 234 567 and grew by 123456",
    "What is 555123 * 4151234?",
    "ISBN 978-3-16-148410-0",
    "invoice number 415-555-2671", // called otherwise
    "2024-03-15 10:30:00",
    "Call me on 2024-03-15 or 12.05.2024",
    "The answer is 134217728, and it will be available on 20240315",
    "pi is 3.14159265358979",
    "sort 12 24 36 48 60 72 84 96",
    "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx is a placeholder",
    "a password is a secret word of 8 characters, this password: important",
    "My name is not important. My name isn't on anything.",
    "I am German and I'm Monday to Friday at work",
    "Mr. Smith sues Dr. Jones over a fence",
    "Who was Ada Lovelace?",
    "Lincoln was born on 12 February 1809. He was born on 12 February 1809.",
    "6304 0000 0000 0000 without a word of what it is",
    "Hi ChatGPT, please help",
    "Hi Chat GPT, I AM A ROBOT AND NOTHING ELSE. MY NAME IS SAID, call me X.",
    "Dear ARR Reviewer,\nthank you. Please contact Human Resources or Acme Support Team",
    "How long is Route 66, and where is the Main Street Museum?",
    "what does a zip code tell?",
    "",
    "no data at all",
  ])("%j", (text) => {
    expect(found(text)).toEqual([]);
  });
});

describe("detectPii", () => {
  it("counts offsets in UTF-16 units, whatever stands before", () => {
    for (const before of ["🦊🦊 ", "漢字 ", "é́ ", "👩‍👩‍👧 "]) {
      const text = `${before}ann@example.org`;
      const [detection] = detectPii(text);
      expect(detection).toEqual({ start: before.length, end: text.length, type: "EMAIL_ADDRESS", confidence: CONFIDENCE.certain });
    }
  });

  it("finds what nobody calls personal only when it is asked for", () => {
    expect(found("see https://example.org/a?b=c, or example.org")).toEqual([]);
    const types = new Set<PiiType>(["URL", "DOMAIN_NAME"]);
    expect(found("see https://example.org/a?b=c, or example.org", types)).toEqual([
      "URL https://example.org/a?b=c",
      "DOMAIN_NAME example.org",
    ]);
  });

  it("finds only the types that are asked for", () => {
    const text = "ann@example.org or +44 20 7946 0958";
    expect(found(text, new Set(["PHONE_NUMBER"]))).toEqual(["PHONE_NUMBER +44 20 7946 0958"]);
  });

  it("gives what is weak to those who ask for it", () => {
    expect(found("Mr. Smith sues", DEFAULT_PII_TYPES, CONFIDENCE.weak)).toEqual(["PERSON Smith"]);
  });

  it("lets the surest stand where two overlap, then the longest", () => {
    expect(found("call 4111 1111 1111 1111")).toEqual(["CREDIT_CARD 4111 1111 1111 1111"]);
    expect(found("NHS number, call it 943 476 5919")).toEqual(["UK_NHS 943 476 5919"]);
    const types = new Set<PiiType>(["URL", "EMAIL_ADDRESS"]);
    expect(found("https://example.org/?of=ann@example.org", types).at(-1)).toMatch(/^EMAIL_ADDRESS/);
  });

  it("gives detections in order, apart, and within the text", () => {
    const piece = fc.constantFrom(
      "4111 1111 1111 1111 ",
      "ann@example.org",
      " call +442079460958, ",
      "My name is Ann Lee. ",
      "🦊",
      "12 Elm Street ",
      "\n",
      "x",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join("");
        let from = 0;
        for (const { start, end } of detectPii(text, new Set(PII_TYPES), 0)) {
          expect(start).toBeGreaterThanOrEqual(from);
          expect(end).toBeGreaterThan(start);
          from = end;
        }
        expect(from).toBeLessThanOrEqual(text.length);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  it.each([
    ["CREDIT_CARD", "My card is ", "4111111111111111"],
    ["IBAN_CODE", "My IBAN is ", "DE89370400440532013000"],
    ["BR_CPF", "CPF ", "52998224725"],
    ["IN_AADHAAR", "Aadhaar ", "234123412346"],
    ["UK_NHS", "NHS ", "9434765919"],
    ["PL_PESEL", "PESEL ", "44051401359"],
  ] as const)("does not believe a %s with any one digit changed", (type, cue, number) => {
    const places = [...number].flatMap((character, place) => (/\d/.test(character) ? [place] : []));
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.integer({ min: 1, max: 9 }), (place, by) => {
        const changed = number.slice(0, place) + ((Number(number[place]) + by) % 10) + number.slice(place + 1);
        expect(found(`${cue}${changed}`, new Set([type]))).toEqual([]);
      }),
      { seed: 5 },
    );
    expect(found(`${cue}${number}`, new Set([type]))).toEqual([`${type} ${number}`]);
  });

  const MEGABYTE = 1024 * 1024;
  it.each([
    "a",
    "1",
    "1 ",
    "12345 678 ",
    "555-123-",
    "@",
    "a@",
    "a.b",
    "ab12:",
    "GB11 ",
    "GB82WEST1234569876543 ",
    "my name is ",
    "Ann Lee ",
    "Xa-",
    "eyJaaaaaaaaa.",
    "-----BEGIN RSA ",
    "a://b:c",
    "12 Ann Lee Main ",
    "Calle a a a ",
    "address of a b c ",
    "+447911123456 ",
    "4111111111111111 ",
    "sk-",
    "1.2.3.",
    "我叫",
    "regards,\n\n",
  ])("reads a megabyte of %j in time, and what stands at its end", (unit) => {
    const text = `${unit.repeat(Math.ceil(MEGABYTE / unit.length))}\nmail me: ann@example.org`;
    expect(found(text).at(-1)).toBe("EMAIL_ADDRESS ann@example.org");
  });
});

describe("maskPii", () => {
  it("writes types in the place of values and leaves the rest", () => {
    const text = "🦊 I am Ann Lee, ann@example.org; card 4111 1111 1111 1111!";
    expect(maskPii(text, detectPii(text))).toBe("🦊 I am <PERSON>, <EMAIL_ADDRESS>; card <CREDIT_CARD>!");
    expect(maskPii("nothing", [])).toBe("nothing");
  });
});
