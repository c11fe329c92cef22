/**
 * What the panels take from the main bundle instead of bringing a copy. The keys are modules as
 * seen from `src/`; `build.mjs` turns the panels' imports of them into reads of this object.
 */
import { Fragment, h } from "preact";
import { useCallback, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import * as bridge from "./bridge";
import * as clock from "./clock";
import * as format from "./format";
import * as Badge from "./parts/Badge";
import * as CopyButton from "./parts/CopyButton";
import * as ErrorBox from "./parts/ErrorBox";
import * as Icons from "./parts/Icons";
import * as Progress from "./parts/Progress";
import * as pending from "./parts/pending";
import * as window from "./window";

export const shared = {
  preact: { Fragment, h },
  "preact/hooks": { useCallback, useId, useLayoutEffect, useMemo, useRef, useState },
  bridge,
  clock,
  format,
  window,
  "parts/Badge": Badge,
  "parts/CopyButton": CopyButton,
  "parts/ErrorBox": ErrorBox,
  "parts/Icons": Icons,
  "parts/Progress": Progress,
  "parts/pending": pending,
};

declare const __BUILD__: string | undefined;

/** Tells bundles apart; empty where the sources run as they are, as in tests. */
export const BUILD: string = typeof __BUILD__ === "undefined" ? "" : __BUILD__;
export const IS_BUNDLED = BUILD !== "";
