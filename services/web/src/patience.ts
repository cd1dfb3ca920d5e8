/** How often to ask how an upload is doing: eagerly at first, then ever less, then in the background. */

const FIRST = 600;
const GROWTH = 1.35;
const LONGEST_LIVE = 5_000;
const LIVE_FOR = 60_000;
const FIRST_BACKGROUND = 15_000;
const LONGEST_BACKGROUND = 120_000;
const HIDDEN = 30_000;

/** Milliseconds until the next question, after this many and this long a wait. */
export function pause(asked: number, waitedMs: number, hidden: boolean): number {
  if (hidden) return HIDDEN;
  if (!inBackground(waitedMs)) return Math.min(LONGEST_LIVE, FIRST * GROWTH ** asked);
  const grown = FIRST_BACKGROUND * (waitedMs / LIVE_FOR);
  return Math.min(LONGEST_BACKGROUND, grown);
}

export const inBackground = (waitedMs: number): boolean => waitedMs > LIVE_FOR;

/** Ask again and again until `look` says it has seen the end. Returns a way to stop. */
export function keepLooking(look: (waitedMs: number) => Promise<boolean>): () => void {
  const began = Date.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  async function next(asked: number): Promise<void> {
    const ended = await look(Date.now() - began);
    if (ended || stopped) return;
    timer = setTimeout(() => void next(asked + 1), pause(asked, Date.now() - began, document.hidden));
  }
  timer = setTimeout(() => void next(0), FIRST);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
