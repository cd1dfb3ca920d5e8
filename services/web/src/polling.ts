/** How often the page polls the API: fast at first, then slower, then in the background. */

const FIRST = 600;
const GROWTH = 1.35;
const LONGEST_LIVE = 5_000;
const LIVE_FOR = 60_000;
const FIRST_BACKGROUND = 15_000;
const LONGEST_BACKGROUND = 120_000;
const HIDDEN = 30_000;

/** Milliseconds until the next request, after this many requests and this much time. */
export function delay(requests: number, elapsedMs: number, hidden: boolean): number {
  if (hidden) return HIDDEN;
  if (!inBackground(elapsedMs)) return Math.min(LONGEST_LIVE, FIRST * GROWTH ** requests);
  return Math.min(LONGEST_BACKGROUND, FIRST_BACKGROUND * (elapsedMs / LIVE_FOR));
}

export const inBackground = (elapsedMs: number): boolean => elapsedMs > LIVE_FOR;

/** Call `check` repeatedly until it returns true. Returns a function that stops it. */
export function poll(check: (elapsedMs: number) => Promise<boolean>): () => void {
  const started = Date.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  async function next(requests: number): Promise<void> {
    const done = await check(Date.now() - started);
    if (done || stopped) return;
    timer = setTimeout(() => void next(requests + 1), delay(requests, Date.now() - started, document.hidden));
  }
  timer = setTimeout(() => void next(0), FIRST);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
