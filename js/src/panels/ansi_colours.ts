/** Terminal colours with enough contrast on light and dark backgrounds. */

export type Rgb = readonly [number, number, number];

/** Inline style and classes of a run. */
export interface Paint {
  readonly style: { color?: string; background?: string };
  readonly class: string;
}

interface Style {
  color: Rgb | null;
  background: Rgb | null;
  isBold: boolean;
  isDim: boolean;
  isItalic: boolean;
  isUnderlined: boolean;
  isInverse: boolean;
}

/** Background of the text, in the worst case of each theme. */
const GROUNDS = { light: [244, 245, 246], dark: [38, 42, 48] } as const;
const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];
/** WCAG 2, level AA. */
export const CONTRAST = 4.5;

const SIXTEEN: readonly Rgb[] = [
  [60, 66, 74],
  [205, 49, 49],
  [20, 140, 60],
  [170, 120, 0],
  [36, 114, 200],
  [170, 60, 170],
  [10, 135, 165],
  [130, 136, 144],
  [110, 116, 124],
  [235, 80, 75],
  [40, 180, 90],
  [220, 170, 30],
  [60, 140, 240],
  [215, 100, 215],
  [40, 180, 210],
  [200, 204, 210],
];

/** Colour of the 256-colour palette of terminals. */
export function xterm(index: number): Rgb {
  const known = SIXTEEN[index];
  if (known !== undefined) return known;
  if (index >= 232) {
    const grey = 8 + 10 * Math.min(23, index - 232);
    return [grey, grey, grey];
  }
  const cube = Math.max(0, index - 16);
  const level = (n: number): number => (n === 0 ? 0 : 55 + 40 * n);
  return [level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)];
}

/** Colours and classes of a style, adjusted until they are readable. */
export function resolveColour(style: Style): Paint {
  const { isInverse } = style;
  const color = isInverse ? style.background : style.color;
  const background = isInverse ? style.color : style.background;
  const classes = [
    style.isBold ? "iw-log-bold" : "",
    style.isDim && color === null && background === null ? "iw-muted" : "",
    style.isItalic ? "iw-log-italic" : "",
    style.isUnderlined ? "iw-log-underlined" : "",
    isInverse && background === null ? "iw-log-inverse" : "",
  ];
  return { style: colours(color, background), class: classes.filter(Boolean).join(" ") };
}

function colours(color: Rgb | null, background: Rgb | null): Paint["style"] {
  if (background !== null) {
    const bare = contrast(BLACK, background) >= contrast(WHITE, background) ? BLACK : WHITE;
    return {
      background: css(background),
      color: css(color === null ? bare : ensureContrast(color, background)),
    };
  }
  if (color === null) return {};
  const [light, dark] = [ensureContrast(color, GROUNDS.light), ensureContrast(color, GROUNDS.dark)];
  return { color: `light-dark(${css(light)}, ${css(dark)})` };
}

/** The nearest colour towards black or white that can be read on a background. */
export function ensureContrast(color: Rgb, background: Rgb): Rgb {
  const end = contrast(BLACK, background) >= contrast(WHITE, background) ? BLACK : WHITE;
  for (let share = 0; share < 1; share += 0.05) {
    const mixed = mix(color, end, share);
    if (contrast(mixed, background) >= CONTRAST) return mixed;
  }
  return end;
}

export function contrast(a: Rgb, b: Rgb): number {
  const [x, y] = [luminance(a), luminance(b)];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

function luminance(color: Rgb): number {
  const [red, green, blue] = color.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function mix(color: Rgb, other: Rgb, share: number): Rgb {
  return color.map((part, i) => Math.round(part + share * ((other[i] ?? 0) - part))) as never;
}

const css = (color: Rgb): string => `rgb(${color.join(" ")})`;
