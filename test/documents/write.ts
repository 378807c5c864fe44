/** `npm run docs`: puts today's tables into the documents. */
import { DOCUMENT_NAMES, readDocument, render, writeDocument } from "./tables.ts";

for (const name of DOCUMENT_NAMES) {
  const text = readDocument(name);
  const rendered = await render(name, text);
  if (rendered === text) continue;
  writeDocument(name, rendered);
  console.log(`${name} rewritten`);
}
