export interface Judgement {
  readonly times: number;
  readonly is_flat: boolean;
  readonly grows_from: number | '';
  readonly per_thousand_more: number | '';
  readonly hurts_from: number | 'not seen';
}

export interface Curve extends Judgement {
  readonly curve: string;
  readonly what: string;
  readonly measure: string;
}

export function judged(points: readonly (readonly [number, number])[], hurts: number): Judgement;
export function curvesOf(
  table: readonly Readonly<Record<string, string | number>>[],
): readonly Curve[];
