/**
 * How fast something grows: the straight line through points that fits them best, by least
 * squares, and how well its slope is known.
 *
 * Samples that follow one another are alike, and would make the error too small. So
 * means of neighbours are taken first, long enough that what lasts for seconds is within one.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Fit {
  readonly slope: number;
  /** The standard error of the slope; infinite where there are fewer than three points. */
  readonly error: number;
  /** Of the line at x = 0. */
  readonly intercept: number;
}

/** Means of at most so many runs of neighbours, of equal length; what is left over is in the last. */
export function meansOf(points: readonly Point[], countMax: number): Point[] {
  return runsOf(points, countMax).map((some) => ({
    x: mean(some.map(({ x }) => x)),
    y: mean(some.map(({ y }) => y)),
  }));
}

/**
 * The lowest point of each run of neighbours, as `meansOf` makes them: what memory is left when
 * garbage was collected, if a run is longer than that takes to come round.
 */
export function lowestOf(points: readonly Point[], countMax: number): Point[] {
  return runsOf(points, countMax).map((some) => some.reduce((a, b) => (b.y < a.y ? b : a)));
}

function runsOf(points: readonly Point[], countMax: number): Point[][] {
  const count = Math.min(points.length, countMax);
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((index * points.length) / count);
    return points.slice(from, Math.floor(((index + 1) * points.length) / count));
  });
}

/** Points that all have the same x have no slope: 0, and an infinite error. */
export function fitLine(points: readonly Point[]): Fit {
  const meanX = mean(points.map(({ x }) => x));
  const meanY = mean(points.map(({ y }) => y));
  let [sumXx, sumXy] = [0, 0];
  for (const { x, y } of points) {
    sumXx += (x - meanX) ** 2;
    sumXy += (x - meanX) * (y - meanY);
  }
  if (sumXx === 0) return { slope: 0, error: Infinity, intercept: meanY };
  const slope = sumXy / sumXx;
  const intercept = meanY - slope * meanX;
  const freedom = points.length - 2;
  let residual = 0;
  for (const { x, y } of points) residual += (y - intercept - slope * x) ** 2;
  const error = freedom < 1 ? Infinity : Math.sqrt(residual / freedom / sumXx);
  return { slope, error, intercept };
}

export function mean(numbers: readonly number[]): number {
  if (numbers.length === 0) return 0;
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}
