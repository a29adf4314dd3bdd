// A host as libvirt's capabilities describe it: without it two XML forms would each judge the kernel's files their own way.

/** One CPU of a NUMA cell; offline ones have no place. */
export interface CellCpu {
  readonly id: number;
  readonly place?:
    | {
        readonly socket: number;
        readonly die: number;
        readonly core: number;
        readonly siblings: readonly number[];
      }
    | undefined;
}

/** What libvirt's capabilities say about a host, as far as power goes. */
export interface LibvirtView {
  readonly arch: string;
  /** Undefined when it could not be found out. */
  readonly sleep?:
    | {
        readonly mem: boolean;
        readonly disk: boolean;
        readonly hybrid: boolean;
        readonly s3: boolean;
        readonly s4: boolean;
      }
    | undefined;
  readonly cells: readonly {
    readonly id: number;
    readonly memoryKb?: number | undefined;
    readonly cpus: readonly CellCpu[];
  }[];
}
