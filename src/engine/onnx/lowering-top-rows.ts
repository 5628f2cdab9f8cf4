import type { Node, Value } from "../graph/types.ts";
import { type Emitter, emitted } from "./emitter.ts";

/** The places of the largest by TopK, which takes the first of equal ones, in ascending order by another, and from them the rows. */
export function lowerTopRows({ inputs, outputs, attributes: { count } }: Node<"TopRows">, e: Emitter): void {
  const x = inputs[0] as Value;
  const [batch] = x.shape as [number, number];
  const k = e.int64([count]);
  const [largest, places, ascending, unread] = [e.fresh(), e.fresh(), e.fresh(), e.fresh()];
  e.emit("TopK", [e.name(x), k], [largest, places], { axis: { int: 1 }, largest: { int: 1 }, sorted: { int: 1 } });
  e.emit("TopK", [places, k], [ascending, unread], { axis: { int: 1 }, largest: { int: 0 }, sorted: { int: 1 } });
  const images = e.int64([batch]);
  const number = (vector: string) => emitted(e, "Reshape", [vector, e.int64([])]);
  const ofImage = emitted(e, "Range", [number(e.int64([0])), number(images), number(e.int64([1]))]);
  const perPlace = emitted(e, "Mul", [emitted(e, "Transpose", [ascending], { perm: { ints: [1, 0] } }), images]);
  const rows = emitted(e, "Add", [perPlace, ofImage]);
  e.emit("Reshape", [rows, e.int64([-1])], outputs.map(e.name));
}
