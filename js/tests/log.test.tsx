import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import type { LogView } from "../src/contract";
import { formatBytes } from "../src/format";
import { Terminal } from "../src/panels/ansi";
import {
  findMatches,
  LogText,
  MAX_BYTES,
  MAX_LINES,
  MAX_MATCHES,
  splitByMatches,
} from "../src/panels/log_text";
import { SLOW_AFTER_MS, WAITING_FOR_KERNEL } from "../src/parts/useRequest";
import {
  byRole,
  click,
  closeAll,
  done,
  FakeHost,
  feed,
  later,
  one,
  oops,
  press,
  show,
  task,
} from "./host";

afterEach(closeAll);

const view = (text: string, part: Partial<LogView> = {}): LogView => ({
  name: "stdout.txt",
  edition: "",
  text,
  start: 0,
  stop: text.length,
  size: text.length,
  can_grow: true,
  note: "",
  ...part,
});
const shown = (text: LogText): string => text.text;

describe("a loaded log", () => {
  it("grows at its end", () => {
    const log = new LogText();
    log.take(view("one\ntw"), {});
    log.take(view("o\n", { start: 6, stop: 8, size: 8 }), { after: 6 });
    expect(shown(log)).toBe("one\ntwo\n");
    expect(log.extent).toBe("all of 8 B");
  });
  it("grows at its beginning, also in the middle of a colour", () => {
    const log = new LogText();
    log.take(view("two\n", { start: 9, stop: 13, size: 13 }), {});
    expect(log.extent).toBe("last 4 B of 13 B");
    log.take(view("\x1b[31mone\n", { stop: 9, size: 13 }), { before: 9 });
    expect(shown(log)).toBe("one\ntwo\n");
    expect(log.lines[1]?.[0]?.paint).not.toBeNull();
  });
  it("starts over when it was begun anew, or has run away", () => {
    const log = new LogText();
    log.take(view("a long old log\n"), {});
    log.take(view("new\n"), { after: 15 });
    expect(shown(log)).toBe("new\n");
    log.take(view("far\n", { start: 900, stop: 904, size: 904 }), { after: 4 });
    expect([shown(log), log.start]).toEqual(["far\n", 900]);
  });
  it("ignores what precedes another log", () => {
    const log = new LogText();
    log.take(view("new\n", { start: 50, stop: 54, size: 54 }), {});
    log.take(view("old\n", { start: 80, stop: 84, size: 99 }), { before: 84 });
    expect(shown(log)).toBe("new\n");
  });
  it("lets older bytes go when it is full, and says so", () => {
    const log = new LogText();
    const piece = `${"x".repeat(9_999)}\n`;
    for (let at = 0; at < 2_000_000; at += 10_000) {
      log.take(view(piece, { start: at, stop: at + 10_000, size: at + 10_000 }), { after: at });
      expect(log.stop - log.start).toBeLessThanOrEqual(MAX_BYTES);
    }
    expect(log.stop).toBe(2_000_000);
    expect(log.isTrimmed).toBe(true);
  });
  it("lets older lines go when it is full", () => {
    const log = new LogText();
    for (let at = 0; at < 40_000; at += 200) {
      log.take(view("\n".repeat(200), { start: at, stop: at + 200, size: at + 200 }), {
        after: at,
      });
      expect(log.lines.length).toBeLessThanOrEqual(MAX_LINES);
    }
    const short = new LogText();
    short.take(view("\n".repeat(60_000)), {});
    expect(short.lines.length).toBe(MAX_LINES);
  });
  it("lets the end go when people look at what precedes", () => {
    const log = new LogText();
    let start = 2_000_000;
    const piece = `${"x".repeat(59_999)}\n`;
    log.take(view(piece, { start, stop: start + 60_000, size: start + 60_000 }), {});
    for (; start > 1_000_000; start -= 60_000) {
      log.take(view(piece, { start: start - 60_000, stop: start }), { before: start });
    }
    expect(log.start).toBe(start);
    expect(log.stop - log.start).toBeLessThanOrEqual(MAX_BYTES);
    expect(log.extent).toBe("468.75 KiB within 1.96 MiB");
  });
  it("is replaced by another edition, whatever was asked for", () => {
    for (const side of [{}, { after: 8 }, { before: 0 }]) {
      const log = new LogText();
      log.take(view("running\n", { edition: "a" }), {});
      log.take(view("the end\n", { edition: "b", start: 8, stop: 16, size: 16 }), side);
      expect([shown(log), log.edition, log.start, log.lost]).toEqual(["the end\n", "b", 8, ""]);
    }
  });
  it("stays when the task has ended and left nothing, which is said", () => {
    const log = new LogText();
    log.take(view("running\n", { edition: "a" }), {});
    log.take({ ...view(""), size: 0, can_grow: false, note: "No outputs." }, { after: 8 });
    expect([shown(log), log.note, log.canGrow]).toEqual(["running\n", "No outputs.", false]);
  });

  it("says how much came too fast, and draws the end of the rest", () => {
    const log = new LogText();
    log.take(view("slow\n"), {});
    const text = "0123456789\n".repeat(20_000);
    log.take(view(text, { start: 1_000_005, stop: 1_220_005, size: 1_220_005 }), { after: 5 });
    const drawn = 11 * log.lines.length;
    expect(log.lines.length).toBeLessThan(1_000);
    expect([log.start, log.stop]).toEqual([1_220_005 - drawn, 1_220_005]);
    expect(log.lost).toBe(`… ${formatBytes(1_220_000 - drawn)} left out`);
    // Nothing is lost for who looks for it.
    const { start } = log;
    log.take(view("a\nb\n", { start: start - 4, stop: start, size: 1_220_005 }), { before: start });
    expect([log.lines.length, log.prepended, log.lost]).toEqual([drawn / 11 + 2, 2, ""]);
  });
  it.each([
    ["returns", `${"z".repeat(9_990)}${"\rab".repeat(80_000)}`],
    ["backspaces", `${"y".repeat(9_000)}${"\b1\b".repeat(80_000)}`],
    ["one endless line", "x".repeat(300_000)],
    ["colours", "\x1b[31ma\x1b[32mb".repeat(25_000)],
  ])("of %s is read in no time", (_, text) => {
    const log = new LogText();
    const start = performance.now();
    log.take(view(text), {});
    // A tenth of a second where it takes some milliseconds; what it took before were seconds.
    expect(performance.now() - start).toBeLessThan(1_000);
    expect(log.lines.length).toBe(1);
  });
});

describe("search", () => {
  const lines = (text: string) => {
    const terminal = new Terminal();
    terminal.write(text);
    return terminal.lines;
  };
  it("finds a text whatever its case, and no pattern", () => {
    expect(findMatches(lines("a.c ABC\nA.C\n"), "a.c")).toEqual([
      { line: 0, start: 0, stop: 3 },
      { line: 1, start: 0, stop: 3 },
    ]);
    expect(findMatches(lines("(("), "((")).toHaveLength(1);
    expect(findMatches(lines("a"), "")).toEqual([]);
  });
  it("stops at a number that can be drawn", () => {
    const found = findMatches(lines(`${"e".repeat(900)}\n`.repeat(20)), "e");
    expect(found).toHaveLength(MAX_MATCHES);
    expect(found.at(-1)?.line).toBe(19);
  });
  it("marks across styles", () => {
    const [line] = lines("ab\x1b[31mcd\x1b[0mef");
    const pieces = splitByMatches(line ?? [], [{ line: 0, start: 1, stop: 5 }], 7);
    expect(pieces.map(({ text, run, match }) => [text, run, match])).toEqual([
      ["a", 0, null],
      ["b", 0, 7],
      ["cd", 1, 7],
      ["e", 2, 7],
      ["f", 2, null],
    ]);
  });
});

/** Answers the last question; what follows from the answer has happened afterwards. */
async function answer(model: FakeHost, result: LogView): Promise<void> {
  await model.reply("log", result);
  for (let i = 0; i < 5; i += 1) await act(async () => {});
}

describe("the Log tab", () => {
  const host = (part = task()) =>
    new FakeHost({ kind: "task", view: part, download: null, poll_status: feed() });

  async function opened(first: LogView, part = task()) {
    const model = host(part);
    const { el } = await show(model);
    await click(one(el, "tab", "Log"));
    await answer(model, first);
    await answer(model, view("", { name: "stderr.txt", can_grow: first.can_grow }));
    return { model, el };
  }
  const log = (el: Element) => one(el, "log").querySelector(".iw-log-text")?.textContent;
  const last = (model: FakeHost) => {
    const { id, kind, ...more } = model.requests("log").at(-1) ?? { id: "", kind: "" };
    return more;
  };

  it("asks for both streams, once each", async () => {
    const { model, el } = await opened(view("hello\n"));
    expect(model.requests("log").map(({ name }) => name)).toEqual(["stdout.txt", "stderr.txt"]);
    expect(log(el)).toBe("hello");
    one(el, "tab", "stdout 6 B");
  });
  it("follows once a second, one request at a time", async () => {
    const { model, el } = await opened(view("hello\n"));
    await later(1000);
    expect(last(model)).toMatchObject({ name: "stdout.txt", after: 6 });
    const asked = model.requests("log").length;
    await later(2500);
    expect(model.requests("log")).toHaveLength(asked);
    await answer(model, view("world\n", { start: 6, stop: 12, size: 12 }));
    expect(log(el)).toBe("helloworld");
    await later(1000);
    expect(last(model)).toMatchObject({ after: 12 });
  });
  it("stops when the task has ended, after a last look", async () => {
    const { model } = await opened(view("hello\n"));
    await later(1000);
    await answer(model, view("end\n", { start: 6, stop: 10, size: 10, can_grow: false }));
    const asked = model.requests("log").length;
    await later(5000);
    expect(model.requests("log")).toHaveLength(asked);
  });
  it("asks for nothing while it is closed, or the page is hidden", async () => {
    const { model, el } = await opened(view("hello\n"));
    const asked = model.requests("log").length;
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    await later(3000);
    expect(model.requests("log")).toHaveLength(asked);
    Object.defineProperty(document, "hidden", { value: false, configurable: true });
    await click(one(el, "tab", "Log"));
    await later(3000);
    expect(model.requests("log")).toHaveLength(asked);
  });
  it("does not ask for a log that has ended", async () => {
    const { model } = await opened(view("hello\n", { can_grow: false }), done());
    await later(3000);
    expect(model.requests("log")).toHaveLength(2);
  });
  it("stops following where people scroll up, until they jump to the end", async () => {
    const { model, el } = await opened(view("hello\n"));
    const scroller = one(el, "log");
    const scroll = async (top: number) => {
      Object.defineProperties(scroller, {
        scrollHeight: { value: 1000, configurable: true },
        clientHeight: { value: 300, configurable: true },
      });
      scroller.scrollTop = top;
      await act(async () => {
        scroller.dispatchEvent(new Event("scroll"));
      });
    };
    await scroll(700);
    await scroll(400);
    const asked = model.requests("log").length;
    await later(3000);
    expect(model.requests("log")).toHaveLength(asked);
    await click(one(el, "button", "Jump to end"));
    expect(scroller.scrollTop).toBe(1000);
    await later(1000);
    expect(model.requests("log")).toHaveLength(asked + 1);
    expect(byRole(el, "button", "Jump to end")).toHaveLength(0);
  });
  it("loads what precedes", async () => {
    const { model, el } = await opened(view("two\n", { start: 4, stop: 8, size: 8 }), done());
    expect(el.textContent).toContain("last 4 B of 8 B");
    await click(one(el, "button", "Earlier"));
    expect(last(model)).toMatchObject({ name: "stdout.txt", before: 4 });
    await answer(model, view("one\n", { size: 8 }));
    expect(log(el)).toBe("onetwo");
    expect(byRole(el, "button", "Earlier")).toHaveLength(0);
  });
  it("says why there is nothing", async () => {
    const note = "The service gives the log once the task has ended.";
    const { el } = await opened(view("", { note }));
    expect(one(el, "note").textContent).toBe(note);
  });
  it("says what was refused, and tries again", async () => {
    const model = host();
    const { el } = await show(model);
    await click(one(el, "tab", "Log"));
    await model.refuse("log", oops);
    expect(one(el, "alert").textContent).toContain(oops.title);
    await later(3000);
    expect(model.requests("log")).toHaveLength(1);
    await click(one(el, "button", "Try again"));
    expect(model.requests("log")).toHaveLength(2);
  });
  it("says that the kernel is busy", async () => {
    const model = host();
    const { el } = await show(model);
    await click(one(el, "tab", "Log"));
    await later(SLOW_AFTER_MS);
    expect(one(el, "note").textContent).toBe(WAITING_FOR_KERNEL);
  });
  it("searches, and goes from match to match", async () => {
    const { el } = await opened(view("Error 1\nfine\nerror 2\n", { can_grow: false }), done());
    const input = one(el, "search").querySelector("input") as HTMLInputElement;
    input.value = "error";
    await act(async () => {
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    const marks = () => [...el.querySelectorAll("mark")].map((mark) => mark.className);
    const [match, chosen] = ["iw-log-match", "iw-log-match iw-log-chosen"];
    expect(marks()).toEqual([match, chosen]);
    expect(one(el, "search").textContent).toBe("2 of 2");
    await press(input, "Enter");
    expect(marks()).toEqual([chosen, match]);
    expect(one(el, "search").textContent).toBe("1 of 2");
    await press(input, "Escape");
    expect(marks()).toEqual([]);
    expect(input.value).toBe("");
  });
  it("finds what is added to a line that was not finished", async () => {
    const { model, el } = await opened(view("err"));
    const input = one(el, "search").querySelector("input") as HTMLInputElement;
    await later(1000);
    input.value = "error";
    await act(async () => {
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    expect(one(el, "search").textContent).toBe("no match");
    await answer(model, view("or", { start: 3, stop: 5, size: 5 }));
    expect(one(el, "search").textContent).toBe("1 of 1");
  });
  it("shows markup and terminal sequences as text", async () => {
    const { el } = await opened(
      view("<img src=x onerror=alert(1)>\x1b]8;;javascript:x\x07y\x1b]8;;\x07\n"),
    );
    expect(el.querySelector("img, a[href^=javascript]")).toBeNull();
    expect(log(el)).toBe("<img src=x onerror=alert(1)>y");
  });
  it("turns to the other stream by the keyboard", async () => {
    const { el } = await opened(view("hello\n", { can_grow: false }), done());
    await press(one(el, "tab", /^stdout/), "ArrowRight");
    expect(one(el, "tab", /^stderr/).getAttribute("aria-selected")).toBe("true");
    one(el, "log", "stderr.txt");
  });
});

describe("the failure box", () => {
  const failure = {
    title: "Exit code 1.",
    detail: "",
    advice: "Correct the input.",
    last_words: [
      { name: "stderr.txt", text: "ERROR 209\n" },
      { name: "stdout.txt", text: "step 3" },
    ],
  };
  const failed = done({ status: "failed", alias: "Failed", status_group: "bad", failure });

  it("shows the last words, and opens the log where they stand", async () => {
    const model = new FakeHost({ kind: "task", view: failed, download: null, poll_status: feed() });
    const { el } = await show(model);
    expect([...el.querySelectorAll("pre")].map((node) => node.textContent)).toEqual([
      "ERROR 209\n",
      "step 3",
    ]);
    await click(byRole(el, "button", "Show the whole log")[0] as Element);
    expect(model.requests("log").map(({ name }) => name)).toEqual(["stderr.txt"]);
    await answer(model, view("ERROR 209\n", { name: "stderr.txt", can_grow: false }));
    one(el, "log", "stderr.txt");
  });
  it("offers no log where there is none", async () => {
    const without = { ...failed, has_outputs: false, failure: { ...failure, last_words: [] } };
    const { el } = await show(
      new FakeHost({ kind: "task", view: without, download: null, poll_status: feed() }),
    );
    expect(byRole(el, "button", /log/)).toHaveLength(0);
  });
});
