/** Amazon's own default when no region is named; most other stores accept it. */
export const defaultRegion = 'us-east-1';

/**
 * The partitions whose host names we know, by the regions in them: https://docs.aws.amazon.com/general/latest/gr/s3.html.
 * Any other region (isolated and sovereign clouds, and whatever comes next) is the SDK's to resolve.
 */
const partitions: readonly (readonly [regions: RegExp, zone: string])[] = [
  [/^(us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-\d+$/, 'amazonaws.com'],
  [/^us-gov-[a-z]+-\d+$/, 'amazonaws.com'],
  [/^cn-[a-z]+-\d+$/, 'amazonaws.com.cn'],
];

/** `undefined` if it does not simply follow from the names; a bucket with a dot in its name has no certificate. */
export function amazonHost(bucket: string, region: string): string | undefined {
  if (!/^[a-z0-9-]+$/.test(bucket)) return undefined;
  const zone = partitions.find(([regions]) => regions.test(region))?.[1];
  return zone === undefined ? undefined : `${bucket}.s3.${region}.${zone}`;
}
