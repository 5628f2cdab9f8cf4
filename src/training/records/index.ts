export {
  type Environment,
  type EnvironmentInput,
  environmentFacts,
  readEnvironment,
  writeEnvironment,
} from "./environment.ts";
export { EventFileWriter, type EventImage, type EventTime } from "./event-file.ts";
export { DAMAGED_LOG, type EpochRecord, JsonLinesLog, type JsonLinesLogOptions } from "./json-lines-log.ts";
export { type ModelCardData, type ModelCardInput, type ModelCardResult, modelCard } from "./model-card.ts";
