/** Tokens in a line, each shaded by its weight. */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { nameOf } from "../data/axes";
import { seek } from "../data/seeking";
import type { Axis, Segment } from "../protocol";
import { Arcs } from "./arcs";
import { useStore } from "./context";
import { usePaint } from "./hooks";
import { printed, visible } from "./naming";
import { elementOf, looker, shade } from "./shading";
import type { SurfaceProps } from "./surface";

export function Line(props: SurfaceProps & { segments: Segment[] }) {
  const { axis, segments, values, max, marked, onHover, onPick } = props;
  const store = useStore();
  const { scale } = usePaint(max, props.signed);
  const scroller = useRef<HTMLDivElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const begin = segments[0]!.begin;
  const words = useMemo(() => wordsOf(axis, segments), [axis, begin]);
  const spans = useMemo(() => words.flatMap((word, i) => spanOf(word, begin + i)), [words]);
  const sought = store.sought.value;
  const hits = useMemo(() => hitsOf(axis, sought), [axis, sought]);
  const { padding = null, later = null, part = null } = props;
  const inside = marked !== null && marked >= begin && marked < begin + words.length;

  useEffect(() => {
    const lookOf = looker({ values, scale, padding, later, part, hits });
    const draw = () => box.current && shade(box.current, lookOf);
    const watch = new ResizeObserver(draw);
    if (box.current) watch.observe(box.current);
    scroller.current?.addEventListener("scroll", draw);
    draw();
    return () => {
      watch.disconnect();
      scroller.current?.removeEventListener("scroll", draw);
    };
  }, [values, scale, padding, later, part, hits, words]);
  useEffect(() => {
    const selected = elementOf(box.current, inside ? marked : null);
    const reached = selected ?? elementOf(box.current, begin);
    selected?.setAttribute("aria-selected", "true");
    reached?.setAttribute("tabindex", "0");
    if (selected && !scroller.current?.matches(":hover")) bringIntoView(scroller.current!, selected);
    return () => {
      selected?.setAttribute("aria-selected", "false");
      reached?.setAttribute("tabindex", "-1");
    };
  }, [marked, inside, words]);
  useEffect(() => {
    if (store.gone.value > 0) elementOf(box.current, marked)?.scrollIntoView({ block: "nearest" });
  }, [store.gone.value]);

  const pointed = useRef<HTMLElement | null>(null);
  const entitle = (element: HTMLElement) => {
    const token = Number(element.dataset["token"]);
    const value = values?.[token];
    const said = value === undefined ? "" : `: ${printed(value, props.least)}`;
    element.title = `${token}${said}${padding?.[token] === 1 ? ", padding" : ""}`;
  };
  useEffect(() => {
    if (pointed.current) entitle(pointed.current); // it may be what the weights are of now
  }, [values, padding, words]);
  const on = (act?: (token: number) => void) => (event: Event) => {
    const found = (event.target as HTMLElement).closest<HTMLElement>("[data-token]");
    if (!found) return;
    pointed.current = found;
    entitle(found);
    act?.(Number(found.dataset["token"]));
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
  return (
    <div class={isBare(segments) ? "text bare" : "text"} ref={scroller}>
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
        {spans}
      </div>
      {store.arcs.value && props.origin !== false && values && inside && (
        <Arcs box={box} from={marked} values={values} max={max} />
      )}
    </div>
  );
}

/** Scroll a box, and nothing around it, to an element that is out of its sight. */
function bringIntoView(box: HTMLElement, { offsetTop, offsetHeight }: HTMLElement): void {
  const isInSight =
    offsetTop >= box.scrollTop && offsetTop + offsetHeight <= box.scrollTop + box.clientHeight;
  if (!isInSight) box.scrollTop = offsetTop - box.clientHeight / 2;
}

/** A token; a space that it begins with stands before it, where a line may end. */
function spanOf({ text, kind }: Word, token: number) {
  const isSpaced = /^ \S/.test(text);
  return [
    isSpaced && " ",
    <span
      key={`${token} ${kind}`}
      data-token={token}
      data-kind={kind}
      role="option"
      aria-selected="false"
      tabIndex={-1}
      class={`token ${kind}`}
    >
      {isSpaced ? text.slice(1) : text}
    </span>,
  ];
}

function hitsOf(axis: Axis, piece: string): Set<number> {
  const hits = new Set<number>();
  for (const { begin, end } of seek(axis, piece)) for (let i = begin; i < end; i++) hits.add(i);
  return hits;
}

interface Word {
  text: string;
  /** Of text whose tokens hold no spaces, as words that were given, "apart". */
  kind: "special" | "apart" | "";
}

const MANY = 3; // special tokens of one name in a row, from which on they are numbered
const LOTS = 24; // from which on the first alone bears the name
const FEW = 8; // special tokens that stand without a frame

function wordsOf(axis: Axis, segments: Segment[]): Word[] {
  const numbers = numbersOf(segments);
  return segments.flatMap((one, place) => {
    const kind = kindOf(one);
    return Array.from({ length: one.length }, (_, i) => ({
      text: visible(
        one.kind === "text" ? (one.tokens[i] ?? "") : numbers[place]!(nameOf(axis, one.begin + i)),
      ),
      kind,
    }));
  });
}

/** What adds to a name its place among special tokens of one name in a row, where they are many. */
function numbersOf(segments: Segment[]): ((name: string) => string)[] {
  const found: ((name: string) => string)[] = [];
  while (found.length < segments.length) {
    const begin = found.length;
    const first = segments[begin]!;
    let end = begin + 1;
    while (first.kind === "special" && isNamed(segments[end], first.text)) end++;
    const count = end - begin;
    for (let i = 0; i < count; i++)
      found.push((name) => (count < MANY ? name : count < LOTS || i === 0 ? `${name} ${i}` : String(i)));
  }
  return found;
}

function isNamed(segment: Segment | undefined, text: string): boolean {
  return segment?.kind === "special" && segment.text === text;
}

function isBare(segments: Segment[]): boolean {
  return segments.length <= FEW && segments.every((one) => one.kind === "special");
}

function kindOf(segment: Segment): Word["kind"] {
  if (segment.kind !== "text") return "special";
  return segment.tokens.some((token) => /\s/.test(token)) ? "" : "apart";
}
