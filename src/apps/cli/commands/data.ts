import { verbs } from "../../../config/index.ts";
import { formatRecord } from "../output.ts";
import { dataExitCode, type VerbCommand } from "./command.ts";

export const dataShow: VerbCommand<typeof verbs.dataShow> = {
  verb: verbs.dataShow,
  summary: "Show one image file step by step: header, decoded values, window, picture.",
  example: "data show scan.dcm --window 40,400 --png scan.png --array scan.npy",
  async run(options, { verbs: library, output }) {
    const { result, lines } = await library.dataShow(options);
    await output.write(result, lines);
  },
};

export const dataStats: VerbCommand<typeof verbs.dataStats> = {
  verb: verbs.dataStats,
  summary: "Measure the mean and standard deviation of a data set's pixels.",
  example: "data stats images --in-chans 1 --output stats.yaml",
  notes: "Train with them by --config stats.yaml, or --mean and --std; the checkpoint keeps them.",
  async run(options, { verbs: library, hooks, output }) {
    const result = await library.dataStats(options, hooks);
    await output.write(result, formatRecord(result));
  },
};

export const dataSplit: VerbCommand<typeof verbs.dataSplit> = {
  verb: verbs.dataSplit,
  summary: "Draw train, val and test, or folds, and write them as a CSV file.",
  example: "data split images --folds 5 --seed 1 --output splits.csv",
  notes:
    "The file is given to training and eval as --split-file, with --fold N for folds. Splits that the data set itself names are kept.",
  async run(options, { verbs: library, hooks, output }) {
    const result = await library.dataSplit(options, hooks);
    await output.write(result, formatRecord(result));
  },
};

export const dataPrepare: VerbCommand<typeof verbs.dataPrepare> = {
  verb: verbs.dataPrepare,
  summary: "Make a data set of the official downloads of a published one.",
  example:
    "data prepare ham10000 HAM10000_images_part_1.zip HAM10000_images_part_2.zip HAM10000_metadata.csv --output-dir ham10000",
  notes:
    "Downloads are read as they are. Beside the images stand dataset.csv and manifest.json: source, licence, hashes, counts.",
  async run(options, { verbs: library, hooks, output }) {
    const result = await library.dataPrepare(options, hooks);
    // All of them stand in the manifest.
    await output.write(result, formatRecord({ ...result, oddFiles: result.oddFiles.slice(0, 20) }));
  },
};

export const dataCheck: VerbCommand<typeof verbs.dataCheck> = {
  verb: verbs.dataCheck,
  summary: "Look for leaks and faults of a data set before any training.",
  example: "data check images --output-dir check --strict",
  notes: "With --strict the exit code is 3 where anything stands in two splits. Nothing in the data set is changed.",
  async run(options, { verbs: library, hooks, output, setExitCode }) {
    const { result, lines } = await library.dataCheck(options, hooks);
    await output.write(result, lines);
    if (options.strict && result.leakage) setExitCode(dataExitCode);
  },
};

export const dataAnonymise: VerbCommand<typeof verbs.dataAnonymise> = {
  verb: verbs.dataAnonymise,
  summary: "Copy DICOM files without what tells who the patient is, by the standard's basic profile.",
  example: "data anonymise study --output-dir anonymous --keep patient-characteristics",
  notes:
    "Pixel data stay as they are: files whose pictures may hold a name are listed for review. The exit code is 3 where a file could not be read.",
  async run(options, { verbs: library, hooks, output, setExitCode }) {
    const result = await library.dataAnonymise(options, hooks);
    await output.write(result, formatRecord(result));
    if (result.failed.length > 0) setExitCode(dataExitCode);
  },
};
