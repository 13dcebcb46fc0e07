/** A message on a channel (0: on its topic), as the tables know it. */
export interface Key {
  readonly channel: number;
  readonly topic: number;
  readonly id: string;
}
