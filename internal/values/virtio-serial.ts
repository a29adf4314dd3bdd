// Where a channel is plugged in: virtio-serial controllers and their ports, as libvirt and QEMU number them.

/** A port of a controller. Port 0 is the console's. */
export interface SerialPlace {
  readonly controller: number;
  readonly port: number;
}

/** A controller; `ports` counts port 0 too. */
export interface SerialController {
  readonly index: number;
  readonly ports: number;
  /** libvirt's name for it; undefined while it has none. */
  readonly alias: string | undefined;
}

/** Ports of a controller that says no number. Source: libvirt src/conf/domain_addr.h; QEMU hw/virtio/virtio-serial-pci.c. */
export const DEFAULT_PORTS = 31;
