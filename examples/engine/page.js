import { train } from "./spirals.js";

const log = document.querySelector("#log");
train((step, loss, accuracy) => {
  if (step % 20 === 19) log.append(`step ${step + 1}: loss ${loss.toFixed(4)}, accuracy ${accuracy.toFixed(3)}\n`);
}).then(
  () => log.append("done\n"),
  (error) => log.append(`${error.message}\n`),
);
