/** The query of the table: shown immediately in the controls, then applied by the kernel. */
import { useRef, useState } from "preact/hooks";
import type { Bridge } from "../bridge";
import type { QueryResultView, QueryView } from "../contract";
import type { PendingRequest } from "../parts/useRequest";

export type Ask = (part: Partial<QueryView>) => void;

export function useQuery(bridge: Bridge, result: QueryResultView, pending: PendingRequest) {
  // The last wish that is not answered yet.
  const [wish, setWish] = useState<QueryView | null>(null);
  const last = useRef(wish);
  const ask: Ask = async (part) => {
    const query = {
      ...(last.current ?? bridge.get<QueryResultView>("query_result").query),
      ...part,
    };
    last.current = query;
    setWish(query);
    await pending.run(() => bridge.request("query", { query }));
    if (last.current !== query) return;
    last.current = null;
    setWish(null);
  };
  return { query: wish ?? result.query, ask };
}
