import { describe, expect, it, vi } from "vitest";
import type { DownloadView } from "../src/contract";
import { Badge } from "../src/parts/Badge";
import { CopyButton } from "../src/parts/CopyButton";
import { Details } from "../src/parts/Details";
import { ErrorBox } from "../src/parts/ErrorBox";
import { PollStatus } from "../src/parts/PollStatus";
import { Progress } from "../src/parts/Progress";
import { Tabs } from "../src/parts/Tabs";
import type { PendingRequest } from "../src/parts/useRequest";
import { byRole, click, done, draw, feed, later, NOW, one, oops, press, task } from "./host";

const time = { offset: 0, frozen: null };
const idle: PendingRequest = {
  isBusy: false,
  isSlow: false,
  error: null,
  run: async (action) => {
    await action();
    return true;
  },
  clear: () => {},
};

describe("badge", () => {
  it("says the alias and carries the code", async () => {
    const page = await draw(<Badge status="submitted" alias="In Queue" group="wait" />);
    const badge = one(page, "status");
    expect(badge.textContent).toBe("In Queue");
    expect(badge.dataset.status).toBe("submitted");
    expect(badge.querySelector("svg")?.getAttribute("aria-hidden")).toBe("true");
  });
  it.each([
    [2, "In Queue · 2 ahead"],
    [0, "In Queue · next"],
  ])("with %s ahead says so", async (ahead, text) => {
    const page = await draw(<Badge status="s" alias="In Queue" group="wait" queueAhead={ahead} />);
    expect(one(page, "status").textContent).toBe(text);
  });
  it("takes a tone it does not know for an unknown one", async () => {
    const page = await draw(<Badge status="x" alias="x" group="sparkling" />);
    expect(one(page, "status").className).toContain("iw-status-unknown");
  });
  it("shows markup as text", async () => {
    const page = await draw(<Badge status="x" alias="<img src=x>" group="bad" />);
    expect(page.querySelector("img")).toBeNull();
    expect(one(page, "status").textContent).toBe("<img src=x>");
  });
});

describe("tabs", () => {
  const tabs = ["outputs", "details"].map((key) => ({
    key,
    title: key,
    render: () => `panel ${key}`,
  }));
  const draws = (open: string | null, onOpen = vi.fn()) =>
    draw(<Tabs tabs={tabs} open={open} onOpen={onOpen} label="t" />);

  it("show the panel of the open one only", async () => {
    const page = await draws("details");
    expect(one(page, "tabpanel").textContent).toBe("panel details");
    expect(byRole(page, "tab").map((tab) => tab.getAttribute("aria-selected"))).toEqual([
      "false",
      "true",
    ]);
    expect(one(page, "tabpanel").getAttribute("aria-labelledby")).toBe(
      one(page, "tab", "details").id,
    );
  });
  it("fold when the open one is clicked", async () => {
    const onOpen = vi.fn();
    const page = await draws("details", onOpen);
    await click(one(page, "tab", "details"));
    await click(one(page, "tab", "outputs"));
    expect(onOpen.mock.calls).toEqual([[null], ["outputs"]]);
  });
  it("are one stop of the keyboard, moved through by arrows", async () => {
    const onOpen = vi.fn();
    const page = await draws("outputs", onOpen);
    expect(byRole(page, "tab").map((tab) => tab.tabIndex)).toEqual([0, -1]);
    await press(one(page, "tab", "outputs"), "ArrowLeft");
    expect(document.activeElement).toBe(one(page, "tab", "details"));
    expect(onOpen.mock.calls).toEqual([["details"]]);
  });
});

describe("download", () => {
  const running: DownloadView = {
    phase: "running",
    bytes_done: 2_516_582,
    bytes_total: 4_089_446,
    files_done: 1,
    files_total: 2,
    speed: 42_991_616,
    eta: 1.2,
    files: [],
    path: null,
    error: null,
  };
  const none = async () => null;
  const progress = (part: Partial<DownloadView>, actions: object = {}) =>
    draw(
      <Progress
        download={{ ...running, ...part }}
        pending={idle}
        onPause={none}
        onResume={none}
        onCancel={none}
        {...actions}
      />,
    );
  const file = (name: string, done: number, total = 100) => ({ name, done, total });
  const shownFiles = (page: Element) =>
    byRole(page, "progressbar")
      .slice(1)
      .map((bar) => [bar.getAttribute("aria-label"), bar.getAttribute("aria-valuenow")]);

  it("tells how far it is, and can be cancelled", async () => {
    const onCancel = vi.fn(none);
    const page = await progress({}, { onCancel });
    const bar = one(page, "progressbar");
    expect(bar.getAttribute("aria-valuenow")).toBe("61");
    expect(bar.getAttribute("aria-valuetext")).toBe(
      "1 of 2 files · 2.4 of 3.9 MiB · 41.0 MiB/s · 2 s left",
    );
    await click(one(page, "button", "Cancel download"));
    expect(onCancel).toHaveBeenCalledTimes(1);
  });
  it("of unknown size claims no share", async () => {
    const page = await progress({ bytes_total: null, eta: null });
    expect(one(page, "progressbar").hasAttribute("aria-valuenow")).toBe(false);
  });
  it.each([
    [9e9, "100"],
    [-5, "0"],
  ])("never leaves the scale: %s bytes", async (bytes_done, value) => {
    const page = await progress({ bytes_done });
    expect(one(page, "progressbar").getAttribute("aria-valuenow")).toBe(value);
  });
  it("is paused and goes on by the same button", async () => {
    const [onPause, onResume] = [vi.fn(none), vi.fn(none)];
    const page = await progress({}, { onPause, onResume });
    const button = one(page, "button", "Pause");
    await click(button);
    expect(onPause).toHaveBeenCalledTimes(1);
    await progress({ phase: "paused", speed: 0, eta: null }, { onPause, onResume });
    expect(page.textContent).toContain("Paused");
    expect(page.textContent).not.toContain("B/s");
    expect(one(page, "button", "Resume")).toBe(button);
    await click(button);
    expect(onResume).toHaveBeenCalledTimes(1);
  });
  it("says what it waits for, and has nothing to pause then", async () => {
    const page = await progress({ phase: "waiting" });
    expect(page.textContent).toContain("Another download fills this folder: waiting for it");
    expect(byRole(page, "button", "Pause")).toHaveLength(0);
    one(page, "button", "Cancel download");
  });
  it("shows the files under way, four of them, and counts the others", async () => {
    const files = Array.from({ length: 7 }, (_, i) => file(`f${i}`, 10 * i));
    const page = await progress({ files, files_total: 9 });
    expect(shownFiles(page)).toEqual([
      ["f0", "0"],
      ["f1", "10"],
      ["f2", "20"],
      ["f3", "30"],
    ]);
    expect(page.textContent).toContain("and 3 more");
  });
  it("rests with the files that it had", async () => {
    const page = await progress({ files: [file("a", 50)], files_total: 9 });
    await progress({ phase: "paused", files: [], files_total: 9 });
    expect(shownFiles(page)).toEqual([["a", "50"]]);
  });
  it("reserves room for as many files as there will be", async () => {
    const rows = (page: Element) => page.getElementsByClassName("iw-download-file").length;
    expect(rows(await progress({ files_total: 258 }))).toBe(4);
    expect(rows(await progress({ files_total: 3 }))).toBe(3);
  });
  it("shows the end of a long name, and all of it as a tip", async () => {
    const name = `${"folder/".repeat(20)}velocity.vtu`;
    const page = await progress({ files: [file(name, 5)], files_total: 9 });
    const shown = page.getElementsByClassName("iw-progress-name")[0];
    expect(shown?.getAttribute("title")).toBe(name);
    expect(shown?.textContent).toBe(name);
    expect(page.getElementsByClassName("iw-progress-name-end")[0]?.textContent).toContain(
      "velocity.vtu",
    );
  });
  it("names are text, whatever they look like", async () => {
    const name = "<img src=x onerror=alert(1)>";
    const page = await progress({ files: [file(name, 5)], path: name, phase: "running" });
    expect(page.getElementsByTagName("img")).toHaveLength(0);
    expect(page.textContent).toContain(name);
  });
  it("says where it went", async () => {
    const page = await progress({
      phase: "done",
      path: "/tmp/out",
      files_done: 258,
      bytes_done: 915 * 1024 ** 2,
    });
    expect(page.textContent).toContain("Downloaded 258 files, 915.0 MiB, to /tmp/out");
    expect(byRole(page, "progressbar")).toHaveLength(0);
    one(page, "button", "Copy path");
  });
  it.each(["cancelled", "failed"] as const)("that was %s goes on from there", async (phase) => {
    const onAgain = vi.fn(none);
    const page = await progress({ phase, error: oops }, { onAgain });
    expect(page.textContent).toContain("at 2.4 of 3.9 MiB; downloading again goes on from there.");
    expect(byRole(page, "alert")).toHaveLength(phase === "failed" ? 1 : 0);
    await click(one(page, "button", "Resume download"));
    expect(onAgain).toHaveBeenCalledTimes(1);
  });
  it("says why it failed, also where only a new call goes on", async () => {
    const page = await progress({ phase: "failed", error: oops });
    expect(one(page, "alert").textContent).toContain("It was refused.");
    expect(page.textContent).toContain("calling again goes on from there.");
    expect(byRole(page, "button", "Resume download")).toHaveLength(0);
  });
});

describe("copying", () => {
  it("writes to the clipboard and says so for a while", async () => {
    const writeText = vi.fn(async () => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    const page = await draw(<CopyButton text="abc" label="Copy id" />);
    await click(one(page, "button", "Copy id"));
    expect(writeText).toHaveBeenCalledWith("abc");
    expect(page.textContent).toBe("Copied");
    await later(2000);
    expect(page.textContent).toBe("");
  });
  it("selects the text where there is no clipboard", async () => {
    vi.stubGlobal("navigator", {});
    const source = { current: document.createElement("code") };
    source.current.textContent = "abc";
    const page = await draw(<CopyButton text="abc" label="Copy id" source={source} />);
    document.body.append(source.current);
    await click(one(page, "button", "Copy id"));
    expect(getSelection()?.toString()).toBe("abc");
    expect(page.textContent).toContain("Selected");
  });
});

describe("error box", () => {
  it("shows words, offers the report, and can be dismissed", async () => {
    const onDismiss = vi.fn();
    const page = await draw(<ErrorBox error={oops} onDismiss={onDismiss} />);
    expect(one(page, "alert").textContent).toContain("409");
    one(page, "button", "Copy report");
    await click(one(page, "button", "Dismiss"));
    expect(onDismiss).toHaveBeenCalledTimes(1);
  });
});

describe("details", () => {
  it("tell times, commands and how these ended", async () => {
    const commands = [
      { command: "swmm a.inp", elapsed: { seconds: 2.4, since: null }, ok: true, exit_code: 0 },
      { command: "swmm b.inp", elapsed: { seconds: 1, since: null }, ok: false, exit_code: 1 },
    ];
    const page = await draw(<Details view={done({ commands })} time={time} />);
    const items = [...page.querySelectorAll("li")].map((item) => item.textContent);
    expect(items).toEqual(["swmm a.inp2.4 s · ok", "swmm b.inp1.0 s · exit code 1"]);
    // Nothing ticks after the end, so nothing is said that would soon be wrong.
    expect(page.textContent).not.toContain(" ago");
  });
  it("count a command that runs", async () => {
    const commands = [
      { command: "x", elapsed: { seconds: null, since: NOW - 4000 }, ok: null, exit_code: null },
    ];
    const page = await draw(<Details view={task({ commands })} time={time} />);
    expect(page.querySelector("li")?.textContent).toBe("x4 s · running");
    await later(1000);
    expect(page.querySelector("li")?.textContent).toBe("x5 s · running");
  });
});

describe("freshness", () => {
  it("counts the seconds since the last update", async () => {
    const page = await draw(
      <PollStatus status={feed({ updated: NOW - 3000 })} time={time} isLive />,
    );
    expect(page.textContent).toBe("updated 3 s ago");
    await later(2000);
    expect(page.textContent).toBe("updated 5 s ago");
  });
  it("says since when the service is away", async () => {
    const offline_since = new Date(2026, 1, 1, 12, 1, 0).getTime();
    const page = await draw(<PollStatus status={feed({ offline_since })} time={time} isLive />);
    expect(page.textContent).toMatch(/^offline since .*12:01:00, retrying$/);
  });
  it("says what the problem is, and whether it is tried again", async () => {
    const offline_since = new Date(2026, 1, 1, 12, 1, 0).getTime();
    const silent = feed({ offline_since, problem: "not answering" });
    const page = await draw(<PollStatus status={silent} time={time} isLive />);
    expect(page.textContent).toMatch(/^not answering since .*12:01:00, retrying$/);
    const gone = feed({ offline_since, problem: "unknown to the service", is_final: true });
    const other = await draw(<PollStatus status={gone} time={time} isLive />);
    expect(other.textContent).toMatch(/^unknown to the service since .*12:01:00$/);
  });
});
