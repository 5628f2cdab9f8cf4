import { RandomStream } from "../../support/random.ts";

/** Which samples an epoch shows: each once, or every class equally often. */
export type Sampling = "natural" | "balanced";

/** The order of an epoch's samples. */
export interface EpochOrder {
  /** [places] indices of samples; as many places as there are samples. */
  samples: Uint32Array;
  /** [places] how often the sample stood at an earlier place; undefined where none comes twice. */
  repeats: Uint32Array | undefined;
}

/**
 * Draws the order of an epoch. It depends on the seed and the epoch alone, so that a run can go on inside an epoch.
 *
 * A balanced epoch has the length of a natural one. Each of k classes gets n/k of the n places (which classes get the
 * rest of the division is drawn), filled by going through its samples in random order as often as it takes: a sample is
 * shown with probability 1/k · 1/n_c per place, as if drawn with weights inverse to the frequency of its class, but
 * with the least possible variation, and no sample comes a second time before each of its class has come once.
 *
 * @param labels [n] class of each sample; classes without samples have no places.
 */
export function epochOrder(labels: ArrayLike<number>, sampling: Sampling, seed: number, epoch: number): EpochOrder {
  const stream = RandomStream.for(seed, "order", epoch);
  const count = labels.length;
  if (sampling === "natural") return { samples: stream.permutation(count), repeats: undefined };
  const members = new Map<number, number[]>();
  for (let sample = 0; sample < count; sample++) {
    const label = labels[sample] as number;
    const known = members.get(label);
    if (known) known.push(sample);
    else members.set(label, [sample]);
  }
  // By label, so that the order in which classes are met has no say.
  const classes = [...members].sort(([a], [b]) => a - b).map(([, samples]) => samples);
  const favoured = new Set(stream.permutation(classes.length).subarray(0, count % classes.length));
  const chosen = classes.flatMap((samples, at) => {
    const places = Math.floor(count / classes.length) + (favoured.has(at) ? 1 : 0);
    return fill(samples, places, stream);
  });
  const samples = Uint32Array.from(stream.permutation(count), (place) => chosen[place] as number);
  return { samples, repeats: countRepeats(samples) };
}

function fill(samples: readonly number[], places: number, stream: RandomStream): number[] {
  const chosen: number[] = [];
  while (chosen.length < places) {
    const round = stream.permutation(samples.length).subarray(0, places - chosen.length);
    for (const at of round) chosen.push(samples[at] as number);
  }
  return chosen;
}

function countRepeats(samples: Uint32Array): Uint32Array {
  const seen = new Uint32Array(samples.length);
  return samples.map((sample) => {
    const earlier = seen[sample] as number;
    seen[sample] = earlier + 1;
    return earlier;
  });
}
