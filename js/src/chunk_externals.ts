/**
 * What the modules that come later take from the main bundle instead of bringing a copy. The keys are modules as
 * seen from `src/`; `build.mjs` turns their imports of them into reads of this object.
 */
import { Fragment, h } from "preact";
import { useCallback, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import * as bridge from "./bridge";
import { BUILD } from "./build";
import * as clock from "./clock";
import * as columns from "./columns";
import * as connection from "./connection";
import * as format from "./format";
import * as lazy from "./lazy";
import * as metric from "./metric";
import * as Badge from "./parts/Badge";
import * as Card from "./parts/Card";
import * as CopyButton from "./parts/CopyButton";
import * as cells from "./parts/cells";
import * as ErrorBox from "./parts/ErrorBox";
import * as FeedLine from "./parts/FeedLine";
import * as Icons from "./parts/Icons";
import * as KillButton from "./parts/KillButton";
import * as Progress from "./parts/Progress";
import * as pending from "./parts/pending";
import * as Tones from "./parts/Tones";
import * as phases from "./phases";
import * as progress from "./progress";
import * as task from "./task";
import * as window from "./window";

/** A function, since some of these modules import this one. */
export const shared = () => ({
  preact: { Fragment, h },
  "preact/hooks": { useCallback, useId, useLayoutEffect, useMemo, useRef, useState },
  bridge,
  clock,
  columns,
  connection,
  format,
  metric,
  lazy,
  phases,
  progress,
  task,
  window,
  "parts/Badge": Badge,
  "parts/CopyButton": CopyButton,
  "parts/ErrorBox": ErrorBox,
  "parts/Icons": Icons,
  "parts/Card": Card,
  "parts/cells": cells,
  "parts/FeedLine": FeedLine,
  "parts/Progress": Progress,
  "parts/Tones": Tones,
  "parts/KillButton": KillButton,
  "parts/pending": pending,
});

export const IS_BUNDLED = BUILD !== "";
