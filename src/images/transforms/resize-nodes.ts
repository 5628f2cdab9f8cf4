import { type Emitter, emitted } from "../../engine/onnx/emitter.ts";

/** ONNX's numbers of float32 and float64. */
const [FLOAT, DOUBLE] = [1, 11];

/**
 * Writes the nodes that resize images [batch, C, h, w], whole numbers from 0 to 255 in float32 of any size, to
 * [batch, C, height, width], bilinear with antialiasing: the numbers of {@link Resizer}, as Pillow has them.
 *
 * The coefficients are whole numbers of 22 bits, found in float64. In two halves of 12 and 10 bits their products with
 * pixels are summed as matrices without rounding, as long as float32 holds the sums.
 * Both orders of the passes are computed, since which one counts depends on the sizes.
 *
 * @returns the name of the result.
 */
export function resizeNodes(e: Emitter, images: string, [height, width]: readonly [number, number]): string {
  const rows = taps(e, images, 2, height);
  const columns = taps(e, images, 3, width);
  const xFirst = alongY(e, alongX(e, images, columns), rows);
  const yFirst = alongX(e, alongY(e, images, rows), columns);
  // The rule of Resizer: y first where an image shrinks more than twice as much in y.
  const shrunk = (from: string, to: number) => emitted(e, "Sub", [from, e.float(to)]);
  const twice = emitted(e, "Mul", [emitted(e, "Max", [shrunk(columns.from, width), e.float(0)]), e.float(2)]);
  const mostlyInY = emitted(e, "Greater", [shrunk(rows.from, height), twice]);
  return emitted(e, "Where", [mostlyInY, yFirst, xFirst]);
}

/** The names of coefficients [to, from] in two halves, and of the length that they are for, [1] float32. */
interface Taps {
  high: string;
  low: string;
  from: string;
}

/** The coefficients of an axis, as {@link resampleTaps} has them. */
function taps(e: Emitter, images: string, axis: 2 | 3, to: number): Taps {
  const run = (opType: string, ...inputs: string[]) => emitted(e, opType, inputs);
  const cast = (name: string, type: number) => emitted(e, "Cast", [name], { to: { int: type } });
  const number = (value: number) => cast(e.float(value), DOUBLE);
  const length = emitted(e, "Shape", [images], { start: { int: axis }, end: { int: axis + 1 } });
  const from = cast(length, DOUBLE);
  const scale = run("Div", from, number(to));
  const middles = e.floats(
    Array.from({ length: to }, (_, i) => i + 0.5),
    [to, 1],
  );
  const centres = run("Mul", cast(middles, DOUBLE), scale);
  const places = run("Range", number(0), run("Reshape", from, e.int64([])), number(1));
  const closeness = run("Div", number(1), run("Max", scale, number(1)));
  const distances = run("Mul", run("Add", run("Sub", places, centres), number(0.5)), closeness);
  const weights = run("Max", run("Sub", number(1), run("Abs", distances)), number(0));
  const total = emitted(e, "ReduceSum", [weights, e.int64([1])], { keepdims: { int: 1 } });
  const exact = run("Mul", run("Div", weights, total), number(2 ** 22));
  const fixed = run("Floor", run("Add", exact, number(0.5)));
  const high = run("Floor", run("Div", fixed, number(4096)));
  const low = run("Sub", fixed, run("Mul", high, number(4096)));
  return { high: cast(high, FLOAT), low: cast(low, FLOAT), from: cast(length, FLOAT) };
}

function alongX(e: Emitter, images: string, { high, low }: Taps): string {
  const turned = (half: string) => emitted(e, "Transpose", [half], { perm: { ints: [1, 0] } });
  return toBytes(e, emitted(e, "MatMul", [images, turned(high)]), emitted(e, "MatMul", [images, turned(low)]));
}

function alongY(e: Emitter, images: string, { high, low }: Taps): string {
  return toBytes(e, emitted(e, "MatMul", [high, images]), emitted(e, "MatMul", [low, images]));
}

/** (4096 · high + low) / 2²², rounded half up. */
function toBytes(e: Emitter, high: string, low: string): string {
  const carried = emitted(e, "Floor", [emitted(e, "Div", [low, e.float(4096)])]);
  const sum = emitted(e, "Add", [emitted(e, "Add", [high, carried]), e.float(512)]);
  return emitted(e, "Floor", [emitted(e, "Div", [sum, e.float(1024)])]);
}
