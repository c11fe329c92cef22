import { afterEach, describe, expect, it, vi } from "vitest";
import type { FileView, PreviewView } from "../src/contract";
import { OutputsTable } from "../src/panels/OutputsTable";
import type { PendingRequest } from "../src/parts/useRequest";
import { byRole, click, closeAll, draw, FakeHost, later, one, oops, press, show } from "./host";

afterEach(closeAll);

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
const flat: FileView[] = [
  { name: "stdout.txt", size: 141_558, compressed: 17_131 },
  { name: "energy.csv", size: 3_984_588, compressed: 3_785_359 },
];
const nested: FileView[] = ["vtk/a.vtk", "vtk/b.vtk", "vtk/deep/c.vtk", "log.txt"].map(
  (name, i) => ({
    name,
    size: 1024 * (i + 1),
    compressed: 512,
  }),
);
const text = (name: string, part: Partial<PreviewView> = {}) =>
  ({ kind: "text", name, size: 5, note: "", text: `words of ${name}`, ...part }) as PreviewView;

async function table(files: FileView[], props: object = {}) {
  const onDownload = vi.fn(async (_: string[] | null) => null);
  const onPreview = vi.fn(async (name: string) => text(name));
  const page = await draw(
    <OutputsTable
      outputs={{ archive_size: null, files }}
      isDownloading={false}
      pending={idle}
      onDownload={onDownload}
      onPreview={onPreview}
      {...props}
    />,
  );
  const box = (name: string) => one(page, "checkbox", `Select ${name}`) as HTMLInputElement;
  const button = (name: string) => one(page, "button", name) as HTMLButtonElement;
  return { page, box, button, onDownload, onPreview };
}
const lines = (page: Element) => byRole(page, "row").slice(1);
const names = (page: Element) =>
  lines(page).map((row) => byRole(row, "gridcell")[1]?.textContent?.replace(/\d+ files?$/, ""));
const active = (page: Element) => {
  const id = page.querySelector("[aria-activedescendant]")?.getAttribute("aria-activedescendant");
  return lines(page).findIndex((row) => row.id === id);
};

async function type(page: Element, value: string): Promise<void> {
  const box = page.querySelector("input[type=search]") as HTMLInputElement;
  box.value = value;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  await later(0);
}

describe("output files", () => {
  it("are listed with their sizes, and what they cost to download", async () => {
    const { page } = await table(flat);
    expect(lines(page)[1]?.textContent).toBe("stdout.txt138.24 KiB16.73 KiB");
    expect(page.textContent).toContain("2 files · 3.93 MiB · 3.63 MiB to download");
  });
  it("sort by the clicked column", async () => {
    const { page, button } = await table(flat);
    expect(names(page)).toEqual(["energy.csv", "stdout.txt"]);
    await click(button("Name"));
    expect(names(page)).toEqual(["stdout.txt", "energy.csv"]);
    await click(button("Size"));
    expect(names(page)).toEqual(["energy.csv", "stdout.txt"]);
    expect(byRole(page, "columnheader").map((head) => head.getAttribute("aria-sort"))).toEqual([
      null,
      "none",
      "descending",
      "none",
    ]);
  });
  it("are chosen one by one or all, and downloaded", async () => {
    const { page, box, button, onDownload } = await table(flat);
    const selected = button("Download selected");
    expect(selected.disabled).toBe(true);
    await click(box("stdout.txt"));
    expect(box("all files").indeterminate).toBe(true);
    expect(page.textContent).toContain("1 of 2 files · 138.24 KiB of 3.93 MiB · 16.73 KiB to");
    await click(selected);
    expect(onDownload).toHaveBeenLastCalledWith(["stdout.txt"]);
    await click(box("all files"));
    expect(page.textContent).toContain("2 of 2 files");
    await click(selected);
    expect(onDownload).toHaveBeenLastCalledWith(null);
    await click(box("all files"));
    expect(selected.disabled).toBe(true);
    await click(button("Download all"));
    expect(onDownload).toHaveBeenLastCalledWith(null);
  });
  it("are chosen by a click on their line, and a range by one with Shift", async () => {
    const many = Array.from({ length: 6 }, (_, i) => ({ name: `f${i}`, size: 1, compressed: 1 }));
    const { page, box, button, onDownload } = await table(many);
    await click(byRole(page, "gridcell")[5] as Element);
    expect(box("f1").checked).toBe(true);
    const to = lines(page)[4] as Element;
    to.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
    await later(0);
    await click(button("Download selected"));
    expect(onDownload).toHaveBeenLastCalledWith(["f1", "f2", "f3", "f4"]);
  });
  it("cannot be downloaded twice at once", async () => {
    const { button } = await table(flat, { isDownloading: true });
    expect(button("Download all").disabled).toBe(true);
  });
  it("are windowed when there are many", async () => {
    const many = Array.from({ length: 5000 }, (_, i) => ({
      name: `f${i}`,
      size: i,
      compressed: i,
    }));
    const { page } = await table(many);
    expect(lines(page).length).toBeLessThan(40);
    expect(one(page, "grid", "Output files").getAttribute("aria-rowcount")).toBe("5001");
    expect(page.textContent).toContain("5,000 files");
  });
  it("that are none say so", async () => {
    const { page, button } = await table([]);
    expect(page.textContent).toContain("There are no output files.");
    expect(button("Download all").disabled).toBe(true);
  });
  it("have names that are text only", async () => {
    const name = '<img src=x onerror="alert(1)">\u202e\u0007';
    const { page, onPreview } = await table([{ name, size: 1, compressed: 1 }]);
    expect(page.querySelector("img")).toBeNull();
    const shown = '<img src=x onerror="alert(1)"><U+202E>\u2407';
    expect(page.querySelector("bdi")?.textContent).toBe(shown);
    await click(one(page, "button", `Preview ${shown}`));
    expect(onPreview).toHaveBeenCalledWith(name);
  });
});

describe("folders", () => {
  const everything = ["vtk/", "deep/", "c.vtk", "a.vtk", "b.vtk", "log.txt"];

  it("are a tree with their sums, open where there are few", async () => {
    const { page } = await table(nested);
    expect(one(page, "treegrid", "Output files").getAttribute("aria-multiselectable")).toBe("true");
    expect(names(page)).toEqual(everything);
    expect(lines(page)[0]?.textContent).toBe("vtk/3 files6.00 KiB1.50 KiB");
    expect(lines(page).map((row) => row.getAttribute("aria-level"))).toEqual([
      "1",
      "2",
      "3",
      "2",
      "2",
      "1",
    ]);
  });
  it("fold and unfold, one or all", async () => {
    const { page, button } = await table(nested);
    await click(button("vtk/"));
    expect(names(page)).toEqual(["vtk/", "log.txt"]);
    expect(lines(page)[0]?.getAttribute("aria-expanded")).toBe("false");
    await click(button("Expand all"));
    expect(names(page)).toEqual(everything);
    await click(button("Fold all"));
    expect(names(page)).toEqual(["vtk/", "log.txt"]);
  });
  it("are chosen with all that is below, and told by their names", async () => {
    const { box, button, onDownload } = await table(nested);
    await click(box("vtk/"));
    expect(box("vtk/deep/c.vtk").checked).toBe(true);
    await click(button("Download selected"));
    expect(onDownload).toHaveBeenLastCalledWith(["vtk/"]);
    await click(box("vtk/a.vtk"));
    expect([box("vtk/").checked, box("vtk/").indeterminate]).toEqual([false, true]);
    await click(button("Download selected"));
    expect(onDownload).toHaveBeenLastCalledWith(["vtk/deep/c.vtk", "vtk/b.vtk"]);
  });
  it("are left out of the flat list", async () => {
    const { page, button } = await table(nested);
    await click(button("Flat"));
    one(page, "grid", "Output files");
    expect(names(page)).toEqual(["log.txt", "vtk/a.vtk", "vtk/b.vtk", "vtk/deep/c.vtk"]);
    expect(button("Flat").getAttribute("aria-pressed")).toBe("true");
  });
  it("are open around what is searched for", async () => {
    const { page, box, button, onDownload } = await table(nested);
    await click(button("Fold all"));
    await type(page, "*C.VTK");
    expect(names(page)).toEqual(["vtk/", "deep/", "c.vtk"]);
    expect(page.textContent).toContain("1 of 4 files");
    await click(box("all files"));
    await click(button("Download selected"));
    expect(onDownload).toHaveBeenLastCalledWith(["vtk/deep/c.vtk"]);
    await type(page, "nothing");
    expect(page.textContent).toContain("No file matches.");
    await type(page, "");
    expect(names(page)).toEqual(["vtk/", "log.txt"]);
  });
  it("are walked by the keyboard", async () => {
    const { page, box, onPreview } = await table(nested);
    const grid = one(page, "treegrid");
    grid.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    grid.focus();
    await later(0);
    const keys = async (...all: string[]) => {
      for (const key of all) await press(grid, key);
      return names(page)[active(page)];
    };
    expect(await keys("Home")).toBe("vtk/");
    expect(await keys("ArrowLeft", "ArrowDown")).toBe("log.txt");
    expect(await keys("Home", "ArrowRight", "ArrowRight")).toBe("deep/");
    expect(await keys("ArrowDown", "ArrowLeft")).toBe("deep/");
    expect(await keys("End")).toBe("log.txt");
    expect(await keys("PageUp", "Home", "ArrowUp")).toBe("vtk/");
    await keys(" ");
    expect(box("vtk/b.vtk").checked).toBe(true);
    await keys("End", "Enter");
    expect(onPreview).toHaveBeenCalledWith("log.txt");
    one(page, "region", "Preview of log.txt");
    await keys("Escape");
    expect(byRole(page, "region")).toHaveLength(0);
  });
  it("leave the notebook's and the browser's keys alone", async () => {
    const { page } = await table(nested);
    const event = new KeyboardEvent("keydown", { key: "Tab", bubbles: true, cancelable: true });
    one(page, "treegrid").dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
  });
});

describe("the preview", () => {
  async function preview(view: Partial<PreviewView>) {
    const drawn = await table(flat, {
      onPreview: async (name: string) => text(name, view),
    });
    await click(drawn.button("Preview energy.csv"));
    return one(drawn.page, "region", "Preview of energy.csv");
  }

  it("shows text, and wraps its lines or not", async () => {
    const pane = await preview({ note: "first 256 KiB of 1.64 GiB", text: "<b>bold</b>\n\tx" });
    expect(pane.textContent).toContain("first 256 KiB of 1.64 GiB");
    expect(pane.querySelector("pre")?.textContent).toBe("<b>bold</b>\n\tx");
    await click(one(pane, "button", "Wrap"));
    expect(one(pane, "button", "Wrap").getAttribute("aria-pressed")).toBe("false");
  });
  it("shows a table with its numbers on the right", async () => {
    const pane = await preview({
      kind: "table",
      columns: ["t", "<i>", "note"],
      rows: [
        ["0.5", "-1e-3", "<script>alert(1)</script>"],
        ["1.5", "nan"],
      ],
    });
    const heads = [...pane.querySelectorAll("th")];
    expect(heads.map((head) => [head.textContent, head.scope, head.className])).toEqual([
      ["t", "col", "iw-num"],
      ["<i>", "col", "iw-num"],
      ["note", "col", ""],
    ]);
    expect(pane.querySelectorAll("td")).toHaveLength(6);
    expect(pane.querySelector("script")).toBeNull();
  });
  it("shows a picture and its size", async () => {
    const pane = await preview({ kind: "image", mime: "image/png", data: "iVBORw0KGgo=" });
    const image = pane.querySelector("img") as HTMLImageElement;
    expect(image.src).toBe("data:image/png;base64,iVBORw0KGgo=");
    Object.defineProperties(image, { naturalWidth: { value: 1200 }, naturalHeight: { value: 40 } });
    image.dispatchEvent(new Event("load"));
    await later(0);
    expect(pane.textContent).toContain("1,200 × 40 pixels");
    image.dispatchEvent(new Event("error"));
    await later(0);
    expect(pane.textContent).toContain("The picture is damaged");
  });
  it.each(["image/svg+xml", "text/html", "image/png,x"])("draws no picture of %s", async (mime) => {
    const pane = await preview({ kind: "image", mime, data: "PHN2Zz4=" });
    expect(pane.querySelector("img")).toBeNull();
  });
  it("says why there is nothing to show", async () => {
    const pane = await preview({ kind: "none", note: "The file is empty." });
    expect(pane.textContent).toContain("The file is empty.");
  });
  it("goes to the next and the previous file, and closes", async () => {
    const { page, button, onPreview } = await table(nested);
    await click(button("Preview vtk/b.vtk"));
    await click(button("Next file"));
    expect(onPreview).toHaveBeenLastCalledWith("log.txt");
    expect(button("Next file").disabled).toBe(true);
    await click(button("Previous file"));
    await click(button("Previous file"));
    one(page, "region", "Preview of vtk/a.vtk");
    await click(button("Close preview"));
    expect(byRole(page, "region")).toHaveLength(0);
  });
  it("asks once for a file, however often the card is drawn", async () => {
    const onPreview = vi.fn(async (name: string) => text(name));
    const { button } = await table(flat, { onPreview });
    await click(button("Preview energy.csv"));
    await table(flat, { onPreview: (name: string) => onPreview(name) });
    expect(onPreview).toHaveBeenCalledTimes(1);
  });
  it("shows the file asked for last, whichever answer comes first", async () => {
    const answers = new Map<string, (view: PreviewView) => void>();
    const onPreview = (name: string) =>
      new Promise<PreviewView>((resolve) => answers.set(name, resolve));
    const { page, button } = await table(flat, { onPreview });
    await click(button("Preview energy.csv"));
    await click(button("Preview stdout.txt"));
    answers.get("stdout.txt")?.(text("stdout.txt"));
    answers.get("energy.csv")?.(text("energy.csv"));
    await later(0);
    expect(page.querySelector("pre")?.textContent).toBe("words of stdout.txt");
  });
  it("that fails says why, and is tried again", async () => {
    let tries = 0;
    const onPreview = async (name: string) => {
      tries += 1;
      if (tries === 1) throw new Error("energy.csv: its data are damaged");
      return text(name);
    };
    const { page, button } = await table(flat, { onPreview });
    await click(button("Preview energy.csv"));
    expect(one(page, "alert").textContent).toContain("its data are damaged");
    await click(button("Try again"));
    expect(page.querySelector("pre")?.textContent).toBe("words of energy.csv");
    expect(byRole(page, "alert")).toHaveLength(0);
  });
  it("says what it waits for", async () => {
    const { page, button } = await table(flat, { onPreview: () => new Promise(() => {}) });
    await click(button("Preview energy.csv"));
    expect(page.textContent).toContain("Reading the file…");
    await later(3_000);
    expect(page.textContent).toContain("waiting for the kernel");
  });
});

describe("the widget of the output files", () => {
  const host = (part: object = {}) =>
    new FakeHost({
      kind: "outputs",
      id: "t1",
      title: "Outputs of task t1",
      download: null,
      chosen: [],
      ...part,
    });

  it("asks about its task, and shows how far its download is", async () => {
    const model = host();
    const { el } = await show(model);
    expect(model.requests("outputs")[0]).toMatchObject({ task_id: "t1" });
    await model.reply("outputs", { archive_size: 1, files: nested });
    one(el, "region", "Outputs of task t1");
    await click(one(el, "button", "Preview log.txt"));
    expect(model.requests("preview")[0]).toMatchObject({ task_id: "t1", name: "log.txt" });
    await model.reply("preview", text("log.txt"));
    await click(one(el, "button", "Download all"));
    expect(model.requests("download")[0]).toMatchObject({ task_id: "t1", names: null });
    await model.refuse("download", oops);
    expect(one(el, "alert").textContent).toContain(oops.title);
    await later(200);
  });
  it("tells the kernel at once what is chosen, and begins with what the kernel says", async () => {
    const model = host({ chosen: ["log.txt"] });
    const { el } = await show(model);
    await model.reply("outputs", { archive_size: 1, files: nested });
    expect((one(el, "checkbox", "Select log.txt") as HTMLInputElement).checked).toBe(true);
    await click(one(el, "checkbox", "Select vtk/deep/"));
    await click(one(el, "checkbox", "Select vtk/"));
    expect(model.get("chosen")).toEqual(["*"]);
    await click(one(el, "checkbox", "Select log.txt"));
    expect(model.get("chosen")).toEqual(["vtk/"]);
  });
  it("that cannot list says why, and tries again", async () => {
    const model = host();
    const { el } = await show(model);
    await model.refuse("outputs", oops);
    await click(one(el, "button", "Try again"));
    await model.reply("outputs", { archive_size: 1, files: flat });
    one(el, "grid", "Output files");
    await later(200);
  });
});
