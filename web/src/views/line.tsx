/** Tokens in a line, each shaded by its weight. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { nameOf } from "../data/axes";
import { scaleTo } from "../draw/canvas";
import { placer } from "../draw/colours";
import type { Axis, Segment } from "../protocol";
import { useStore } from "./context";
import { printed, visible } from "./naming";
import type { SurfaceProps } from "./surface";

export function Line(props: SurfaceProps & { segments: Segment[] }) {
  const { axis, segments, values, max, marked, onHover, onPick } = props;
  const spreading = useStore().spreading.value;
  const box = useRef<HTMLDivElement>(null);
  const begin = segments[0]!.begin;
  const words = useMemo(() => wordsOf(axis, segments), [axis, begin]);

  // by hand: a text has thousands of tokens, and each move of the pointer shades all of them
  useEffect(() => {
    const place = placer(scaleTo(max, spreading));
    for (const element of (box.current?.children ?? []) as Iterable<HTMLElement>) {
      const token = Number(element.dataset["token"]);
      const value = values?.[token];
      const is = value === undefined || Number.isNaN(value) ? 0 : place(value);
      element.style.setProperty("--weight", is.toFixed(3));
      element.classList.toggle("gone", value !== undefined && Number.isNaN(value));
      element.title = `${token}${value === undefined ? "" : `: ${printed(value)}`}`;
    }
  }, [values, max, spreading, words]);

  const on = (act?: (token: number) => void) => (event: Event) => {
    const found = (event.target as HTMLElement).closest<HTMLElement>("[data-token]");
    if (found) act?.(Number(found.dataset["token"]));
  };
  const move = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const target = event.target as HTMLElement;
    const next = step === 1 ? target.nextElementSibling : step === -1 ? target.previousElementSibling : null;
    if (event.key === "Enter" || event.key === " ") on(onPick)(event);
    else if (next instanceof HTMLElement) next.focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const inside = marked !== null && marked >= begin && marked < begin + words.length;
  return (
    <div
      class="text"
      ref={box}
      role="listbox"
      aria-label={props.label}
      onPointerOver={on(onHover)}
      onFocusIn={on(onHover)}
      onClick={on(onPick)}
      onKeyDown={move}
      tabIndex={-1}
    >
      {words.map(({ text, special }, i) => (
        <span
          key={begin + i}
          data-token={begin + i}
          role="option"
          aria-selected={begin + i === marked}
          tabIndex={begin + i === (inside ? marked : begin) ? 0 : -1}
          class={special ? "token special" : "token"}
        >
          {text}
        </span>
      ))}
    </div>
  );
}

interface Word {
  text: string;
  special: boolean;
}

function wordsOf(axis: Axis, segments: Segment[]): Word[] {
  return segments.flatMap((one) =>
    Array.from({ length: one.length }, (_, i) => ({
      text: visible(one.kind === "text" ? (one.tokens[i] ?? "") : nameOf(axis, one.begin + i)),
      special: one.kind !== "text",
    })),
  );
}
