/** The content of a preview, by kind. File content is rendered as text only. */
import { useState } from "preact/hooks";
import type { PreviewView } from "../contract";
import { formatCount } from "../format";
import { truncate } from "../parts/Badge";
import { visibleName } from "./visible_name";

/** Types that are shown as a picture: none that may contain a script. */
const IMAGES: ReadonlySet<string> = new Set([
  "image/png",
  "image/jpeg",
  "image/gif",
  "image/webp",
  "image/bmp",
]);

export function PreviewContent({ view, isWrapped }: { view: PreviewView; isWrapped: boolean }) {
  switch (view.kind) {
    case "text":
    case "json":
      return (
        <pre class={isWrapped ? "iw-preview-text iw-wrapped" : "iw-preview-text"}>{view.text}</pre>
      );
    case "hex":
      return <pre class="iw-preview-text">{view.text}</pre>;
    case "table":
      return <PreviewTable columns={view.columns} rows={view.rows} name={view.name} />;
    case "image":
      return IMAGES.has(view.mime) ? <PreviewImage {...view} /> : null;
    default:
      return null;
  }
}

const NUMBER =
  /^\s*[-+]?(\d+([.,]\d*)?|[.,]\d+)([eEdD][-+]?\d+)?\s*$|^\s*[-+]?(nan|inf(inity)?)\s*$/i;

function PreviewTable({
  columns,
  rows,
  name,
}: {
  columns: string[];
  rows: string[][];
  name: string;
}) {
  const isNumeric = columns.map((_, at) =>
    rows.every((row) => (row[at] ?? "") === "" || NUMBER.test(row[at] as string)),
  );
  return (
    <table class="iw-preview-table" aria-label={truncate(visibleName(name))}>
      <thead>
        <tr>
          {columns.map((column, at) => (
            <th key={at} scope="col" class={isNumeric[at] ? "iw-num" : ""}>
              <bdi>{column}</bdi>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, line) => (
          <tr key={line}>
            {columns.map((_, at) => (
              <td key={at} class={isNumeric[at] ? "iw-num" : ""}>
                <bdi>{row[at] ?? ""}</bdi>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function PreviewImage({ name, mime, data }: { name: string; mime: string; data: string }) {
  const [said, setSaid] = useState("");
  return (
    <figure class="iw-preview-image">
      <img
        src={`data:${mime};base64,${data}`}
        alt={truncate(visibleName(name))}
        onLoad={({ currentTarget: { naturalWidth: width, naturalHeight: height } }) =>
          setSaid(`${formatCount(width)} × ${formatCount(height)} pixels`)
        }
        onError={() => setSaid("The picture is damaged: the browser cannot draw it.")}
      />
      <figcaption class="iw-muted">{said}</figcaption>
    </figure>
  );
}
