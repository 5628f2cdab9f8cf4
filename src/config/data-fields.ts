import { z } from "zod";
import { dataFields } from "./common.ts";
import { field, infoOf } from "./fields.ts";

/** The data set of the verbs that work on one, as a plain argument. */
export const dataPath = field(z.string().min(1), infoOf(dataFields.dataPath).description, {
  positional: true,
  placeholder: "data",
  expected: "a data set: a folder or a CSV file",
});
