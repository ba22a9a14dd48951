/** How far every service has read the others' events, as `GET /admin/system` tells it. */
export interface Position {
  source: string;
  sequence: number;
  state: "running" | "stopped" | "diverged";
  problem: string | null;
  updated_at: string;
  parked: number;
}

export interface Service {
  service: string;
  head: number;
  published: number;
  commands: number;
  positions: Position[];
}

export interface Standing {
  services: Service[];
  away: Record<string, string>;
}

export interface Stream extends Position {
  reader: string;
  /** Events of the source that the reader has not applied yet. */
  behind: number;
}

/** Every stream, the furthest behind first; a source that is away tells no head, so nothing is known behind. */
export function streamsOf({ services }: Standing): Stream[] {
  const heads = new Map(services.map(({ service, head }) => [service, head]));
  return services
    .flatMap(({ service, positions }) =>
      positions.map((position) => ({
        ...position,
        reader: service,
        behind: Math.max(0, (heads.get(position.source) ?? position.sequence) - position.sequence),
      })),
    )
    .sort((one, other) => rank(other) - rank(one) || other.behind - one.behind);
}

function rank({ state }: Stream): number {
  return state === "running" ? 0 : 1;
}
