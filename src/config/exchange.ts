import { z } from "zod";
import { EXCHANGES } from "../parallel/gradient-codec.ts";
import { field } from "./fields.ts";

export const exchangeField = field(
  z.enum(EXCHANGES).default("fp32"),
  "How several processes exchange gradients: fp32 comes to the bytes of one process; bf16 and int8 are half and a quarter of the traffic, for slow networks, and make up for what they round in the next steps.",
);

export const exchangePartsField = field(
  z.int().min(1).max(12).default(1),
  "In how many parts the backward pass is cut, so that several processes exchange the gradients of one while they compute the next; it pays on slow networks, and where a core is free.",
);
