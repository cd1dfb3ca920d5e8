/** When a picture replaces its placeholder. */
import { ref, type Ref } from "vue";

/** Whether an `<img>` can be painted, or has failed to load; it needs both listeners. */
export function usePicture(): { ready: Ref<boolean>; onLoad: (event: Event) => Promise<void>; onError: () => void } {
  const ready = ref(false);
  const onError = (): void => void (ready.value = true);
  /** Chromium may decode a picture after its load event, so wait for that as well. */
  const onLoad = ({ target }: Event): Promise<void> => (target as HTMLImageElement).decode().catch(() => undefined).then(onError);
  return { ready, onLoad, onError };
}
