/** When a placeholder gives way to its picture. */
import { ref, type Ref } from "vue";

/** Whether an `<img>` can be painted, or has failed; it needs both listeners. */
export function usePicture(): { settled: Ref<boolean>; onLoad: (event: Event) => Promise<void>; onError: () => void } {
  const settled = ref(false);
  const onError = (): void => void (settled.value = true);
  /** Chromium may decode a picture after its load event, so wait for that as well. */
  const onLoad = ({ target }: Event): Promise<void> => (target as HTMLImageElement).decode().catch(() => undefined).then(onError);
  return { settled, onLoad, onError };
}
