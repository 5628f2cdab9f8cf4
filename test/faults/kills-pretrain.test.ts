import { testKills } from "./kills.ts";

testKills("pretrain");
