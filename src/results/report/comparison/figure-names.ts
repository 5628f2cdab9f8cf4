import { percentage } from "../clinical/estimate.ts";
import { decimal } from "../html.ts";

/** How a figure is told. */
export interface FigureName {
  title: string;
  /** What is best: high values, low ones, or neither. */
  best: "high" | "low" | undefined;
  /** Of a value, with its unit. */
  shown(value: number | null): string;
  /** Whether values are shares, whose differences share one axis. */
  isShare: boolean;
}

const share = (title: string): FigureName => ({ title: `${title}, %`, best: "high", shown: percentage, isShare: true });
const index = (title: string): FigureName => ({ title, best: "high", shown: decimal, isShare: true });
const loss = (title: string): FigureName => ({ title, best: "low", shown: decimal, isShare: false });

const distance = (title: string): FigureName => ({ title, best: "low", shown: plain, isShare: false });

const plainly = (title: string): FigureName => ({ title, best: undefined, shown: plain, isShare: false });

const names: Readonly<Record<string, FigureName>> = {
  accuracy: share("Accuracy"),
  balancedAccuracy: share("Balanced accuracy"),
  f1Macro: index("Macro F1"),
  aucMacro: index("Macro AUC"),
  averagePrecisionMacro: index("Macro average precision"),
  kappa: index("Kappa"),
  kappaQuadratic: index("Quadratic kappa"),
  mcc: index("Matthews correlation"),
  logLoss: loss("Log-loss"),
  brier: loss("Brier score"),
  ece: loss("Calibration error"),
  sensitivity: share("Sensitivity"),
  specificity: share("Specificity"),
  ppv: share("PPV"),
  npv: share("NPV"),
  f1: index("F1"),
  auc: index("AUC"),
  averagePrecision: index("Average precision"),
  aucMean: index("Mean AUC"),
  averagePrecisionMean: index("Mean average precision"),
  f1Mean: index("Mean F1"),
  mae: distance("Mean absolute error"),
  rmse: distance("Root mean squared error"),
  r2: index("R²"),
  correlation: index("Correlation"),
  bias: plainly("Bias, predicted less true"),
  limitLow: plainly("Lower limit of agreement"),
  limitHigh: plainly("Upper limit of agreement"),
  dice: index("Dice"),
  iou: index("IoU"),
  precision: share("Precision"),
  hd: distance("Hausdorff distance"),
  hd95: distance("HD95"),
  assd: distance("Mean surface distance"),
  nsd: index("Surface Dice"),
};

/** What a figure is called, by its name in JSON. */
export function figureName(metric: string): FigureName {
  return names[metric] ?? { title: metric, best: undefined, shown: decimal, isShare: false };
}

function plain(value: number | null): string {
  return value === null ? "–" : String(Number(value.toPrecision(4))).replace("-", "−");
}

/** A difference with its sign, so that nobody takes it for a value. */
export function signed(text: string): string {
  return /^[−–]/.test(text) || !/[1-9]/.test(text) ? text : `+${text}`;
}
