/** Tokens in a line, each shaded by its weight. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { nameOf } from "../data/axes";
import { seek } from "../data/seeking";
import { clipped, placer } from "../draw/colours";
import type { Axis, Segment } from "../protocol";
import { Arcs } from "./arcs";
import { useStore } from "./context";
import { usePaint } from "./hooks";
import { printed, visible } from "./naming";
import type { SurfaceProps } from "./surface";

const SHADES = 100; // a move of the pointer touches the tokens alone whose shade it changes

export function Line(props: SurfaceProps & { segments: Segment[] }) {
  const { axis, segments, values, max, marked, onHover, onPick, padding, later } = props;
  const store = useStore();
  const { scale } = usePaint(max);
  const box = useRef<HTMLDivElement>(null);
  const begin = segments[0]!.begin;
  const words = useMemo(() => wordsOf(axis, segments), [axis, begin]);
  const sought = store.sought.value;

  // by hand: a text has thousands of tokens
  useEffect(() => {
    const shade = shaderOf(placer(scale), scale);
    each(box.current, (element, token) => {
      const value = values?.[token];
      const state = value === undefined ? "" : shade(value);
      if ((element.dataset["state"] ?? "") === state) return;
      element.dataset["state"] = state;
      const [place, ...classes] = state.split(" ");
      element.style.setProperty("--weight", place || "0");
      for (const name of ["gone", "below", "clipped"]) element.classList.toggle(name, classes.includes(name));
    });
  }, [values, scale, words]);
  useEffect(() => {
    each(box.current, (element, token) => {
      element.classList.toggle("padding", padding?.[token] === 1);
      element.classList.toggle("later", later != null && token >= later);
    });
  }, [padding, later, words]);
  useEffect(() => {
    const hits = new Set<number>();
    for (const place of seek(axis, sought)) for (let i = place.begin; i < place.end; i++) hits.add(i);
    each(box.current, (element, token) => element.classList.toggle("hit", hits.has(token)));
  }, [axis, sought, words]);
  useEffect(() => {
    const found = store.gone.value > 0 && elementOf(box.current, marked);
    if (found) found.scrollIntoView({ block: "nearest" });
  }, [store.gone.value]);

  const on = (act?: (token: number) => void) => (event: Event) => {
    const found = (event.target as HTMLElement).closest<HTMLElement>("[data-token]");
    if (!found) return;
    const token = Number(found.dataset["token"]);
    found.title = titleOf(token, values?.[token], padding?.[token] === 1);
    act?.(token);
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
    <div class="text">
      <div
        class="tokens"
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
      {store.arcs.value && values && inside && <Arcs box={box} from={marked} values={values} max={max} />}
    </div>
  );
}

/** The element of a token. */
export function elementOf(box: HTMLElement | null, token: number | null): HTMLElement | undefined {
  const first = Number((box?.firstElementChild as HTMLElement | null)?.dataset["token"] ?? 0);
  return token === null ? undefined : (box?.children[token - first] as HTMLElement | undefined);
}

function each(box: HTMLElement | null, act: (element: HTMLElement, token: number) => void): void {
  const elements = (box?.children ?? []) as ArrayLike<HTMLElement>;
  const first = Number(elements[0]?.dataset["token"] ?? 0);
  for (let i = 0; i < elements.length; i++) act(elements[i]!, first + i);
}

/** Return what tells of a weight its shade and how it is drawn, such as "0.25 below". */
function shaderOf(
  place: (weight: number) => number,
  scale: Parameters<typeof clipped>[0],
): (weight: number) => string {
  return (weight) => {
    if (Number.isNaN(weight)) return "0 gone";
    const at = scale.signed ? Math.abs(2 * place(weight) - 1) : place(weight);
    const below = weight < 0 ? " below" : "";
    return `${Math.round(at * SHADES) / SHADES}${below}${weight && clipped(scale, weight) ? " clipped" : ""}`;
  };
}

function titleOf(token: number, value: number | undefined, isPadding: boolean): string {
  return `${token}${value === undefined ? "" : `: ${printed(value)}`}${isPadding ? ", padding" : ""}`;
}

interface Word {
  text: string;
  special: boolean;
}

/** Special tokens of one name are counted where there are several. */
function wordsOf(axis: Axis, segments: Segment[]): Word[] {
  const many = new Map<string, number>();
  for (const one of segments) if (one.kind === "special") many.set(one.text, (many.get(one.text) ?? 0) + 1);
  const seen = new Map<string, number>();
  const numbered = (text: string) => {
    if ((many.get(text) ?? 0) < MANY) return text;
    seen.set(text, (seen.get(text) ?? -1) + 1);
    return `${text} ${seen.get(text)}`;
  };
  return segments.flatMap((one) =>
    Array.from({ length: one.length }, (_, i) => ({
      text: visible(one.kind === "text" ? (one.tokens[i] ?? "") : numbered(nameOf(axis, one.begin + i))),
      special: one.kind !== "text",
    })),
  );
}

const MANY = 3; // two [SEP] need no numbers
