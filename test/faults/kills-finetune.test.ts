import { testKills } from "./kills.ts";

testKills("finetune");
