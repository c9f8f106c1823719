import { element, shown } from './dom.js';

/** Columns of pixels that a tip may take. */
const widest = 330;

/** What is under the pointer, in words beside it. */
export class Tip {
  readonly root = element('div', { class: 'tip', hidden: true });

  show(text: string, event: PointerEvent, within: HTMLElement): void {
    this.root.hidden = false;
    this.root.textContent = shown(text);
    const box = within.getBoundingClientRect();
    this.root.style.left = `${Math.min(event.clientX - box.left + 14, box.width - widest)}px`;
    this.root.style.top = `${event.clientY - box.top + 16}px`;
  }

  hide(): void {
    this.root.hidden = true;
  }
}
