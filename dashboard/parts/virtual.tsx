/** A list of any length whose rows have one height: only the visible rows are in the page. */
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

const spareRows = 12;

export interface VirtualListProps<T> {
  readonly items: readonly T[];
  readonly rowHeight: number;
  readonly label: string;
  readonly render: (item: T, at: number) => VNode;
  readonly keyOf: (item: T) => string | number;
  /** Called when the reader gets near the end. */
  readonly onEnd: () => void;
  /** Called when the reader leaves the top or comes back to it. */
  readonly onTop?: (isTop: boolean) => void;
}

export function VirtualList<T>(
  { items, rowHeight, label, render, keyOf, onEnd, onTop }: VirtualListProps<T>,
) {
  const box = useRef<HTMLDivElement>(null), first = useRef<string | number | null>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const read = () => {
    const element = box.current;
    if (element === null) return;
    setView({ top: element.scrollTop, height: element.clientHeight });
    onTop?.(element.scrollTop < rowHeight);
  };
  useEffect(() => {
    const observer = new ResizeObserver(read);
    if (box.current !== null) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  // Rows that are added above push the others down; the reader stays at the same row.
  useLayoutEffect(() => {
    const element = box.current, before = first.current, [top] = items;
    first.current = top === undefined ? null : keyOf(top);
    if (element === null || before === null || element.scrollTop < rowHeight) return;
    const moved = items.findIndex((item) => keyOf(item) === before);
    if (moved > 0) element.scrollTop += moved * rowHeight;
  }, [items]);
  const from = Math.max(0, Math.floor(view.top / rowHeight) - spareRows);
  const to = Math.min(items.length, Math.ceil((view.top + view.height) / rowHeight) + spareRows);
  const isNearEnd = to >= items.length - spareRows;
  useEffect(() => {
    if (isNearEnd && items.length > 0) onEnd();
  }, [isNearEnd, items.length]);
  return (
    <div ref={box} class="virtual" role="list" aria-label={label} tabIndex={0} onScroll={read}>
      <div style={{ height: `${items.length * rowHeight}px` }} role="presentation">
        <div style={{ transform: `translateY(${from * rowHeight}px)` }} role="presentation">
          {items.slice(from, to).map((item, at) => render(item, from + at))}
        </div>
      </div>
    </div>
  );
}
