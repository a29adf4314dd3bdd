// What can be a VM's name, the same for files, sockets and URLs.

/** Longest VM name in bytes: the longest file name, since QEMU and libvirt name files by it. Source: NAME_MAX. */
export const MAX_VM_NAME = 255;

/** Returns whether `name` can be a VM's: a file name without control characters. */
export function isVmName(name: string): boolean {
  return (
    // oxlint-disable-next-line no-control-regex
    /^[^/\u0000-\u001f\u007f]+$/.test(name) &&
    new TextEncoder().encode(name).length <= MAX_VM_NAME &&
    !/^\.\.?$/.test(name)
  );
}
