/**
 * Texts on which activation ranges are measured: everyday prompts of many kinds, written for this purpose only. They must
 * stay disjoint from tests and examples, or the accuracy figures would flatter us.
 */
export const calibrationTexts: readonly string[] = [
  "Draft a polite note to my landlord about the leaking tap in the kitchen and ask when a plumber could come by.",
  "SELECT customer, SUM(total) FROM orders WHERE year = 2021 GROUP BY customer; why is this slow on 40 million rows?",
  "A train leaves at 14:05 and covers 312 km at 96 km/h. When does it arrive, and how long would it take at 120 km/h?",
  "Pourquoi le pain au levain a-t-il un goût acide, et combien de temps faut-il laisser reposer la pâte?",
  "hey can u tell me whats the best way 2 get grass stains out of white jeans lol",
  "Compare the causes of the Thirty Years' War with those of the Peloponnesian War in three short paragraphs.",
  '{"order_id": 8841, "status": "delayed", "items": [{"sku": "BX-7", "qty": 3}]} - summarise this for a customer.',
  "Our tenant wants to sublet the flat; which clauses of the lease decide whether that is allowed?",
];
