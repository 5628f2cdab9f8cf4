import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodePlaces, order, rooms } from "../../../scripts/rooms.ts";

const root = join(import.meta.dirname, "../../..");
const contributing = readFileSync(join(root, "CONTRIBUTING.md"), "utf8").split("\n");

test("the rooms are the folders of src", () => {
  const folders = readdirSync(join(root, "src"), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(rooms.map(({ name }) => name).toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
});

test("CONTRIBUTING prints the order that is checked, and the places that may use Node", () => {
  expect(contributing).toContain(order);
  expect(contributing).toContain(nodePlaces.map((place) => `\`${place}\``).join(", "));
});
