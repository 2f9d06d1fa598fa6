/** A path of modules, which is broken after its dots alone where it has to be. */
export function Path({ path }: { path: string }) {
  return <>{path.split(/(?<=[._])/).map((part, i) => [i > 0 && <wbr key={i} />, part])}</>;
}
