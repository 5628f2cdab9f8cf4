/**
 * A number of epochs of the paper's schedule, scaled to a shorter one and rounded to whole epochs.
 * Longer schedules keep the paper's number: what it buys (a stable start, a useful map) is reached by then.
 */
export function scaledEpochs(paperEpochs: number, paperTotal: number, epochs: number): number {
  return epochs >= paperTotal ? paperEpochs : Math.round((paperEpochs * epochs) / paperTotal);
}

/** The first epoch, from 0, at whose end pre-training refreshes its maps. */
export function firstRefreshEpoch(mapWarmupEpochs: number, mapInterval: number): number {
  return Math.ceil(mapWarmupEpochs / mapInterval) * mapInterval;
}
