// SIMD kernels of the optimiser, over one shared memory. Pointers are bytes, counts are float32 elements.
// Every sum has a fixed order, so that a result depends on the pieces alone and never on who computes them.

/**
 * One AdamW update (Loshchilov and Hutter 2019, algorithm 2) of `count` elements, in the order of operations of
 * torch.optim.AdamW: decay the weight, move both moments towards the scaled gradient, step. A coupled decay joins the
 * gradient first, as in torch.optim.Adam.
 * `keep` is 1 - lr * weightDecay, `step` is lr / (1 - beta1^t), `rootScale` is 1 / sqrt(1 - beta2^t).
 */
export function adamw(
  parameter: usize, gradient: usize, first: usize, second: usize, count: u32,
  gradientScale: f32, keep: f32, towards1: f32, beta2: f32, towards2: f32, step: f32, rootScale: f32, eps: f32,
  coupled: f32,
): void {
  const scale4 = f32x4.splat(gradientScale);
  const keep4 = f32x4.splat(keep);
  const towards14 = f32x4.splat(towards1);
  const beta24 = f32x4.splat(beta2);
  const towards24 = f32x4.splat(towards2);
  const step4 = f32x4.splat(step);
  const rootScale4 = f32x4.splat(rootScale);
  const eps4 = f32x4.splat(eps);
  const coupled4 = f32x4.splat(coupled);
  const vectors: u32 = count >> 2;
  for (let i: u32 = 0; i < vectors; i++) {
    const w = v128.load(parameter);
    let g = f32x4.mul(v128.load(gradient), scale4);
    if (coupled != 0) g = f32x4.add(g, f32x4.mul(coupled4, w));
    const m0 = v128.load(first);
    const m = f32x4.add(m0, f32x4.mul(towards14, f32x4.sub(g, m0)));
    const v = f32x4.add(f32x4.mul(beta24, v128.load(second)), f32x4.mul(f32x4.mul(towards24, g), g));
    const denominator = f32x4.add(f32x4.mul(f32x4.sqrt(v), rootScale4), eps4);
    const update = f32x4.div(f32x4.mul(step4, m), denominator);
    v128.store(parameter, f32x4.sub(f32x4.mul(w, keep4), update));
    v128.store(first, m);
    v128.store(second, v);
    parameter += 16;
    gradient += 16;
    first += 16;
    second += 16;
  }
  for (let i: u32 = vectors << 2; i < count; i++) {
    const w = load<f32>(parameter);
    let g = load<f32>(gradient) * gradientScale;
    if (coupled != 0) g += coupled * w;
    const m0 = load<f32>(first);
    const m = m0 + towards1 * (g - m0);
    const v = beta2 * load<f32>(second) + towards2 * g * g;
    const denominator = Mathf.sqrt(v) * rootScale + eps;
    store<f32>(parameter, w * keep - (step * m) / denominator);
    store<f32>(first, m);
    store<f32>(second, v);
    parameter += 4;
    gradient += 4;
    first += 4;
    second += 4;
  }
}

/** Sum of squares in float64: four lanes, added pairwise, then the tail. */
export function sumOfSquares(x: usize, count: u32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const vectors: u32 = count >> 2;
  for (let i: u32 = 0; i < vectors; i++) {
    const four = v128.load(x);
    const a = f64x2.promote_low_f32x4(four);
    const b = f64x2.promote_low_f32x4(i32x4.shuffle(four, four, 2, 3, 2, 3));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
    x += 16;
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (let i: u32 = vectors << 2; i < count; i++) {
    const value = <f64>load<f32>(x);
    sum += value * value;
    x += 4;
  }
  return sum;
}

/** Sum of squares of a * x + b * y, each of them in float32, in the order of {@link sumOfSquares}. */
export function sumOfSquaresOfSum(x: usize, y: usize, count: u32, a: f32, b: f32): f64 {
  const a4 = f32x4.splat(a);
  const b4 = f32x4.splat(b);
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const vectors: u32 = count >> 2;
  for (let i: u32 = 0; i < vectors; i++) {
    const four = f32x4.add(f32x4.mul(a4, v128.load(x)), f32x4.mul(b4, v128.load(y)));
    const first = f64x2.promote_low_f32x4(four);
    const second = f64x2.promote_low_f32x4(i32x4.shuffle(four, four, 2, 3, 2, 3));
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
    x += 16;
    y += 16;
  }
  const both = f64x2.add(low, high);
  let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
  for (let i: u32 = vectors << 2; i < count; i++) {
    const value = <f64>(a * load<f32>(x) + b * load<f32>(y));
    sum += value * value;
    x += 4;
    y += 4;
  }
  return sum;
}

/**
 * One LARS update of `count` elements (You, Gitman and Ginsburg 2017): the scaled gradient with the coupled decay, times
 * `trust`, joins what is kept of the last movement, and the weight goes `step` times that way.
 */
export function lars(
  parameter: usize, gradient: usize, momentum: usize, count: u32,
  gradientScale: f32, coupled: f32, trust: f32, keep: f32, step: f32,
): void {
  const scale4 = f32x4.splat(gradientScale);
  const coupled4 = f32x4.splat(coupled);
  const trust4 = f32x4.splat(trust);
  const keep4 = f32x4.splat(keep);
  const step4 = f32x4.splat(step);
  const vectors: u32 = count >> 2;
  for (let i: u32 = 0; i < vectors; i++) {
    const w = v128.load(parameter);
    const g = f32x4.add(f32x4.mul(v128.load(gradient), scale4), f32x4.mul(coupled4, w));
    const m = f32x4.add(f32x4.mul(keep4, v128.load(momentum)), f32x4.mul(trust4, g));
    v128.store(momentum, m);
    v128.store(parameter, f32x4.sub(w, f32x4.mul(step4, m)));
    parameter += 16;
    gradient += 16;
    momentum += 16;
  }
  for (let i: u32 = vectors << 2; i < count; i++) {
    const w = load<f32>(parameter);
    const g = load<f32>(gradient) * gradientScale + coupled * w;
    const m = keep * load<f32>(momentum) + trust * g;
    store<f32>(momentum, m);
    store<f32>(parameter, w - step * m);
    parameter += 4;
    gradient += 4;
    momentum += 4;
  }
}

/** y += alpha * x. */
export function axpy(y: usize, x: usize, count: u32, alpha: f32): void {
  const alpha4 = f32x4.splat(alpha);
  const vectors: u32 = count >> 2;
  for (let i: u32 = 0; i < vectors; i++) {
    v128.store(y, f32x4.add(v128.load(y), f32x4.mul(alpha4, v128.load(x))));
    y += 16;
    x += 16;
  }
  for (let i: u32 = vectors << 2; i < count; i++) {
    store<f32>(y, load<f32>(y) + alpha * load<f32>(x));
    y += 4;
    x += 4;
  }
}

/** average += towards * (x - average): an exponential moving average of decay 1 - towards. */
export function ema(average: usize, x: usize, count: u32, towards: f32): void {
  const towards4 = f32x4.splat(towards);
  const vectors: u32 = count >> 2;
  for (let i: u32 = 0; i < vectors; i++) {
    const old = v128.load(average);
    v128.store(average, f32x4.add(old, f32x4.mul(towards4, f32x4.sub(v128.load(x), old))));
    average += 16;
    x += 16;
  }
  for (let i: u32 = vectors << 2; i < count; i++) {
    const old = load<f32>(average);
    store<f32>(average, old + towards * (load<f32>(x) - old));
    average += 4;
    x += 4;
  }
}

/** x = 0. */
export function zero(x: usize, count: u32): void {
  memory.fill(x, 0, count << 2);
}
