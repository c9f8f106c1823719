export interface PointerActions {
  /** The drawing's scroll position. */
  left(): number;
  onDrag(left: number): void;
  onHover(event: PointerEvent): void;
  onClick(event: PointerEvent): void;
  onLeave(): void;
  onZoom(event: MouseEvent): void;
}

/** How many pixels the pointer may move before a click becomes a drag. */
const tremble = 4;

/** Distinguishes clicks from drags. */
export function listenToPointer(stage: HTMLElement, actions: PointerActions): void {
  let from: { readonly x: number; readonly left: number; moved: boolean } | undefined;
  stage.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    from = { x: event.clientX, left: actions.left(), moved: false };
  });
  stage.addEventListener('pointermove', (event) => {
    if (from === undefined) {
      actions.onHover(event);
      return;
    }
    const by = event.clientX - from.x;
    if (Math.abs(by) > tremble && !from.moved) {
      from.moved = true;
      stage.setPointerCapture(event.pointerId);
    }
    if (from.moved) actions.onDrag(from.left - by);
  });
  const end = (event: PointerEvent): void => {
    const wasDrag = from?.moved ?? true;
    from = undefined;
    if (!wasDrag && event.type === 'pointerup') actions.onClick(event);
  };
  stage.addEventListener('pointerup', end);
  stage.addEventListener('pointercancel', end);
  stage.addEventListener('pointerleave', () => actions.onLeave());
  stage.addEventListener('dblclick', (event) => actions.onZoom(event));
}
