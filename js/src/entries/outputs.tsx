/** The output files of a task; see `inductiva_widgets/widgets/outputs.py`. */
import type { Bridge } from "../bridge";
import { LazyPanel } from "../code_splitting";

export function OutputsEntry({ bridge }: { bridge: Bridge }) {
  const title = bridge.get<string>("title");
  return (
    <section class="iw-frame" aria-label={title}>
      <div class="iw-download-title iw-text">{title}</div>
      <LazyPanel bridge={bridge} name="OutputsCard" props={{ bridge }} />
    </section>
  );
}
