import { expect, test } from "bun:test";
import { nearest } from "../../src/base/nearest.ts";

const VERBS = ["get", "put", "ls", "mkdir", "sync", "sha256", "quota", "passwd"];

test.each([
  ["qouta", "quota"],
  ["quot", "quota"],
  ["paswd", "passwd"],
  ["sha265", "sha256"],
  ["got", "get"],
  ["l", "ls"],
])("nearest takes %p for %p", (word, meant) => {
  expect(nearest(word, VERBS)).toBe(meant);
});

test.each(["", "frobnicate", "x".repeat(100_000)])("nearest knows nothing like %p", (word) => {
  expect(nearest(word, VERBS)).toBeUndefined();
});
