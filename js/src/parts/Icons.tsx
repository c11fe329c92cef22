/** Inline SVG icons: hosts lack icon fonts, and glyphs differ between machines. */
import type { StatusGroupKey } from "../contract";

const PATHS = {
  ok: <path d="M2 6.5 5 9.5 10 3" />,
  bad: <path d="m3 3 6 6M9 3 3 9" />,
  run: <circle cx="6" cy="6" r="4.5" stroke-dasharray="18 10" />,
  wait: (
    <>
      <circle cx="6" cy="6" r="4.6" />
      <path d="M6 3.4V6l1.8 1.2" />
    </>
  ),
  off: <rect x="3" y="3" width="6" height="6" rx="1" fill="currentColor" />,
  unknown: (
    <>
      <path d="M4 4.2a2 2 0 1 1 2.9 1.9C6.3 6.4 6 6.8 6 7.4" />
      <path d="M6 9.6v.2" />
    </>
  ),
  copy: (
    <>
      <rect x="1" y="3.5" width="6.5" height="7.5" rx="1.3" />
      <path d="M4 3.2V2.3A1.3 1.3 0 0 1 5.3 1h4.4A1.3 1.3 0 0 1 11 2.3v5.2a1.3 1.3 0 0 1-1.3 1.3H8" />
    </>
  ),
  download: <path d="M6 1v6.5m-2.8-2.8L6 7.5l2.8-2.8M1.5 10.8h9" />,
  chevron: <path d="m4 2.5 4 3.5-4 3.5" />,
  up: <path d="m3 7.5 3-3 3 3" />,
  down: <path d="m3 4.5 3 3 3-3" />,
  external: <path d="M5 2H2v8h8V7M7 1.5h3.5V5M10.2 1.8 5.5 6.5" />,
  bell: <path d="M2 8.8h8L9 7.4V5a3 3 0 0 0-6 0v2.4ZM5 10.8h2" />,
  minus: <path d="M2.5 6h7" />,
  plus: <path d="M2.5 6h7M6 2.5v7" />,
  filter: <path d="M1.5 3h9M3.5 6h5M5 9h2" />,
  alert: (
    <>
      <path d="M6 1.2 11.2 10.6H.8Z" />
      <path d="M6 4.8v2.4m0 1.6v.2" />
    </>
  ),
} as const;

export type IconName = keyof typeof PATHS;

const THIN: ReadonlySet<IconName> = new Set<IconName>([
  "copy",
  "download",
  "external",
  "filter",
  "alert",
  "bell",
]);

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      class={`iw-icon iw-icon-${name}`}
      viewBox="0 0 12 12"
      width="12"
      height="12"
      fill="none"
      stroke="currentColor"
      stroke-width={THIN.has(name) ? 1.2 : 1.8}
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {PATHS[name]}
    </svg>
  );
}

const STATUS_GROUPS: ReadonlySet<string> = new Set(["wait", "run", "ok", "bad", "off", "unknown"]);

/** The group itself, or "unknown" for a group that only a newer kernel knows. */
export function statusGroupOf(group: string): StatusGroupKey {
  return STATUS_GROUPS.has(group) ? (group as StatusGroupKey) : "unknown";
}
