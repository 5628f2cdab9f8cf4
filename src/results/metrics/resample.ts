import { MsmaeError } from "../../support/errors.ts";
import { RandomStream } from "../../support/random.ts";

/** The statistics of a resample, null where undefined on it: `times` is [cases], how often each case was drawn. */
export type ResampledStatistic<Name extends string> = (times: Uint32Array) => Readonly<Record<Name, number | null>>;

/** How cases are drawn anew. */
export interface Drawing {
  /** Number of cases. */
  cases: number;
  /**
   * [cases] which patient, lesion or file each is of: cases of one group are drawn together, since they resemble each other.
   * A case without a group is a group of its own, as all are without groups.
   */
  groups?: readonly (string | undefined)[] | undefined;
  /**
   * [cases] the class of each: as many groups of every class are drawn as there are. Groups with cases of several classes
   * are drawn among themselves, whatever their classes. Without it all groups are drawn alike.
   */
  strata?: ArrayLike<number> | undefined;
  seed: number;
  resamples: number;
}

/** What was drawn. */
export interface Drawn<Name extends string> {
  /** Of the cases themselves. */
  observed: Readonly<Record<Name, number | null>>;
  /** The statistics of those resamples that define them, in the order of drawing; none with fewer than two groups. */
  values: Record<Name, Float64Array>;
  groups: number;
  /** Of these, those with cases of several strata. */
  mixedGroups: number;
}

/**
 * Statistics of the cases and of resamples of them, groups drawn anew with replacement. All ones in `times` are the cases
 * themselves; it is overwritten by the next resample.
 *
 * @throws MsmaeError Shape when groups or strata are not one for each case.
 */
export function resampleStatistics<Name extends string>(
  { cases, groups, strata, seed, resamples }: Drawing,
  statistic: ResampledStatistic<Name>,
): Drawn<Name> {
  checkLength(cases, "groups", groups);
  checkLength(cases, "strata", strata);
  const members = membersOf(cases, groups);
  const { parts, mixedGroups } = partsOf(members, strata);
  const observed = statistic(new Uint32Array(cases).fill(1));
  const names = Object.keys(observed) as Name[];
  const drawn = names.map(() => new Float64Array(resamples));
  const found = new Uint32Array(names.length);
  if (members.length > 1) {
    const random = RandomStream.for(seed, "bootstrap");
    const times = new Uint32Array(cases);
    for (let resample = 0; resample < resamples; resample++) {
      times.fill(0);
      for (const part of parts) drawGroups(part, random, times);
      const values = statistic(times);
      for (let at = 0; at < names.length; at++) {
        const value = values[names[at] as Name];
        if (value === null) continue;
        (drawn[at] as Float64Array)[found[at] as number] = value;
        found[at] = (found[at] as number) + 1;
      }
    }
  }
  const values = names.map((name, at) => [name, (drawn[at] as Float64Array).subarray(0, found[at])]);
  return { observed, values: Object.fromEntries(values), groups: members.length, mixedGroups };
}

function checkLength(cases: number, what: string, given: ArrayLike<unknown> | undefined): void {
  if (given === undefined || given.length === cases) return;
  throw new MsmaeError("Shape", {
    where: `${what} of cases`,
    expected: `${cases}, one for each case`,
    got: `${given.length}`,
    todo: `give the ${what} of every case, or none at all`,
  });
}

/** The cases of each group, in the order in which groups first occur. */
function membersOf(cases: number, groups: Drawing["groups"]): number[][] {
  const members = new Map<string | number, number[]>();
  for (let at = 0; at < cases; at++) {
    const group = groups?.[at] ?? at;
    const known = members.get(group);
    if (known) known.push(at);
    else members.set(group, [at]);
  }
  return [...members.values()];
}

type Groups = readonly (readonly number[])[];

/** The groups of each stratum, in the order in which strata first occur; those of several strata last. */
function partsOf(members: Groups, strata: Drawing["strata"]): { parts: Groups[]; mixedGroups: number } {
  if (strata === undefined) return { parts: [members], mixedGroups: 0 };
  const stratumOf = (group: readonly number[]): number | "mixed" => {
    const first = strata[group[0] as number] as number;
    return group.every((at) => strata[at] === first) ? first : "mixed";
  };
  const parts = Map.groupBy(members, stratumOf);
  const mixed = parts.get("mixed") ?? [];
  parts.delete("mixed");
  return { parts: [...parts.values(), mixed], mixedGroups: mixed.length };
}

function drawGroups(members: Groups, random: RandomStream, times: Uint32Array): void {
  for (let draw = 0; draw < members.length; draw++) {
    const group = members[random.integer(0, members.length - 1)] as readonly number[];
    for (const at of group) times[at] = (times[at] as number) + 1;
  }
}
