/** Small pictures, or ribbons, beside one another. */

import type { ComponentChildren } from "preact";
import { useColumns } from "./hooks";

const GAP = 16; // pixels; the style sheet has the same

export function Small(props: { pictures: boolean; count: number; children: ComponentChildren }) {
  const { pictures, count, children } = props;
  const { grid, columns } = useColumns<HTMLDivElement>(pictures ? 130 : 260, GAP);
  return (
    <div class={pictures ? "small pictures" : "small"} ref={grid} style={{ "--columns": columns(count) }}>
      {children}
    </div>
  );
}
