/** The active column filters, each with a button that removes it. */

import { knownColumns } from "../columns";
import type { ColumnKey, FilterView, QueryView } from "../contract";
import type { Ask } from "../list/useQuery";
import { truncate } from "../parts/Badge";
import { Icon } from "../parts/Icons";
import { describeFilter } from "./filters";

export function FilterChips({ query, ask }: { query: QueryView; ask: Ask }) {
  const keys = knownColumns(Object.keys(query.filters) as ColumnKey[]);
  return (
    <span class="iw-chip-group" role="group" aria-label="Filters">
      {keys.map((key) => {
        const { [key]: filter, ...others } = query.filters;
        const words = describeFilter(key, filter as FilterView);
        return (
          <button
            type="button"
            key={key}
            class="iw-chip iw-chip-filter"
            aria-label={`Clear ${truncate(words)}`}
            title={truncate(words)}
            onClick={() => ask({ filters: others })}
          >
            <bdi>{truncate(words)}</bdi>
            <Icon name="bad" />
          </button>
        );
      })}
      <button
        type="button"
        class="iw-chip"
        onClick={() => ask({ filters: {}, status_groups: [], search: "" })}
      >
        Clear all
      </button>
    </span>
  );
}
