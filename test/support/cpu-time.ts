/**
 * Milliseconds of processor time that this process has used. Bounds on it hold on a busy machine too, where the time of
 * day would count the waiting.
 */
export function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
