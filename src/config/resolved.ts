/** Options `T` in which the derived fields `K` are filled in. */
export type WithResolved<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: Exclude<T[P], undefined> };
