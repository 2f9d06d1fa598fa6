/** The head that one is compared with, where none was chosen. */

import type { Manifest, MapInfo } from "../protocol";
import type { Place } from "../state";
import { likeIn } from "./modules";

/** The same head of the other run; of one run the next head, or that of the next map. */
export function partner({ maps, runs }: Manifest, place: Place): Place {
  const here = maps[place.map]!;
  const within = ({ id, shape }: MapInfo, head: number) => ({
    map: id,
    batch: Math.min(place.batch, shape[0] - 1),
    head: Math.min(head, shape[1] - 1),
  });
  const like = runs.length > 1 ? likeIn(maps, here, here.run ? 0 : 1) : null;
  if (like) return within(like, place.head);
  if (here.shape[1] > 1) return within(here, (place.head + 1) % here.shape[1]);
  return within(maps[(place.map + 1) % maps.length]!, 0);
}
