import { act } from "preact/test-utils";
import { afterEach, describe, expect, it } from "vitest";
import { byRole, click, closeAll, FakeHost, one, oops, show } from "./host";

afterEach(closeAll);

const download = (part: object = {}) => ({
  phase: "running",
  bytes_done: 1024,
  bytes_total: 4096,
  files_done: 1,
  files_total: 4,
  speed: 512,
  eta: 6,
  files: [],
  path: null,
  error: null,
  ...part,
});
const host = (part: object = {}) =>
  new FakeHost({ kind: "download", title: "Outputs of task x", download: download(part) });

describe("a download", () => {
  it("shows how far it is", async () => {
    const model = host();
    const { el } = await show(model);
    one(el, "region", "Outputs of task x");
    expect(one(el, "progressbar").getAttribute("aria-valuenow")).toBe("25");
    model.set("download", download({ bytes_done: 2048 }));
    expect(one(el, "progressbar").getAttribute("aria-valuetext")).toContain("1.0 of 4.0 KiB");
  });
  it("is paused and goes on, and offers no new beginning", async () => {
    const model = host();
    const { el } = await show(model);
    await click(one(el, "button", "Pause"));
    expect(model.requests("pause_download")).toHaveLength(1);
    await model.reply("pause_download", null);
    await act(async () => model.set("download", download({ phase: "paused" })));
    await click(one(el, "button", "Resume"));
    expect(model.requests("resume_download")).toHaveLength(1);
    await model.reply("resume_download", null);
    await act(async () => model.set("download", download({ phase: "cancelled" })));
    expect(el.textContent).toContain("calling again goes on from there");
    expect(byRole(el, "button")).toHaveLength(0);
  });
  it("is cancelled by its button", async () => {
    const model = host();
    const { el } = await show(model);
    await click(one(el, "button", "Cancel download"));
    expect(model.requests("cancel_download")).toHaveLength(1);
    await model.refuse("cancel_download", oops);
    expect(el.textContent).toContain(oops.title);
  });
  it("says where the files went", async () => {
    const { el } = await show(host({ phase: "done", path: "inductiva_output/x" }));
    expect(el.textContent).toContain("to inductiva_output/x");
    expect(byRole(el, "button", "Cancel download")).toHaveLength(0);
  });
  it("says why it failed", async () => {
    const { el } = await show(host({ phase: "failed", error: oops }));
    one(el, "alert");
    expect(el.textContent).toContain(oops.detail);
  });
});
