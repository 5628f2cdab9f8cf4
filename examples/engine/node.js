// node examples/engine/node.js
import { train } from "./spirals.js";

await train((step, loss, accuracy) => {
  if (step % 20 === 19) console.log(`step ${step + 1}: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(3)}`);
});
