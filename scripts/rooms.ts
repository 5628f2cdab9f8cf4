export interface Room {
  name: string;
  /** Folders within it, in their order. */
  inside?: readonly string[];
  /** Beginnings of paths within it that may use Node's modules and packages that need them; "" is the whole room. */
  node?: readonly string[];
}

/** The rooms of src in their order: a room imports from those before it, never from those after it. */
export const rooms: readonly Room[] = [
  { name: "support", node: ["files", "threads"] },
  { name: "parallel", node: [""] },
  {
    name: "engine",
    inside: ["graph", "autodiff", "onnx", "runtime", "parameters", "layers", "optim", "thread"],
    node: ["runtime/node-", "thread/node-", "node.ts"],
  },
  { name: "geometry" },
  { name: "formats", inside: ["nifti", "dicom", "node", "web"], node: ["node"] },
  { name: "images" },
  { name: "method", inside: ["nn", "models", "masking", "kinds"] },
  { name: "results", inside: ["metrics", "visual", "report"], node: ["report"] },
  {
    name: "data",
    inside: ["tables", "splits", "folders", "index", "layouts", "pictures", "targets", "loader"],
    node: [""],
  },
  { name: "config" },
  { name: "curation", node: [""] },
  {
    name: "interop",
    node: ["safetensors-file.ts", "beside-files.ts", "shipped-weights.ts", "containers", "convert.ts"],
    inside: ["layouts"],
  },
  { name: "inference", node: [""] },
  { name: "training", node: [""] },
  { name: "experiments", inside: ["phantom"], node: [""] },
  { name: "apps", node: [""] },
];

/** The order as one line, as CONTRIBUTING.md prints it. */
export const order = rooms.map(({ name }) => name).join(" → ");

/** What may use Node, as CONTRIBUTING.md prints it. */
export const nodePlaces = rooms.flatMap(({ name, node = [] }) =>
  node.map((place) => (place === "" ? `${name}/` : `${name}/${place}${/[.-]/.test(place) ? "" : "/"}`)),
);
