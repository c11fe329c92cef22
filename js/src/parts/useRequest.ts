/** State of a request: busy, slow or failed. */
import { useCallback, useLayoutEffect, useRef, useState } from "preact/hooks";
import { errorView } from "../bridge";
import type { ErrorView } from "../contract";

/** A message is shown after this time without a response. */
export const SLOW_AFTER_MS = 3_000;
export const WAITING_FOR_KERNEL =
  "waiting for the kernel: it will be sent when the running cell ends";

export interface PendingRequest {
  isBusy: boolean;
  isSlow: boolean;
  error: ErrorView | null;
  /** Runs the action; true if it was accepted, false if refused or if the view has gone. */
  run(action: () => Promise<unknown>): Promise<boolean>;
  clear(): void;
}

const IDLE = { isBusy: false, isSlow: false, error: null as ErrorView | null };

export function useRequest(): PendingRequest {
  const [state, setState] = useState(IDLE);
  const isMounted = useRef(true);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useLayoutEffect(() => {
    isMounted.current = true;
    return () => {
      isMounted.current = false;
      clearTimeout(timer.current);
    };
  }, []);

  const run = useCallback(async (action: () => Promise<unknown>): Promise<boolean> => {
    setState({ isBusy: true, isSlow: false, error: null });
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setState((now) => ({ ...now, isSlow: true })), SLOW_AFTER_MS);
    let error: ErrorView | null = null;
    try {
      await action();
    } catch (thrown) {
      error = errorView(thrown);
    }
    if (!isMounted.current) return false;
    clearTimeout(timer.current);
    setState({ isBusy: false, isSlow: false, error });
    return error === null;
  }, []);
  const clear = useCallback(() => setState((now) => ({ ...now, error: null })), []);
  return { ...state, run, clear };
}
